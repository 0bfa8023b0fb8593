import Testing

@testable import Experiments

/// Sessions at different speeds of the machine.
@Suite struct MachineSpeedTests {
  @Test func timesAreBroughtToOneSpeed() {
    let speed = MachineSpeed([100, 200, 100, 150])
    #expect(speed.usualNs == 100)
    #expect(speed.factor(200) == 0.5)
    #expect(speed.factor(100) == 1)
    #expect(speed.range == 2)
    #expect(speed.notice?.contains("100 % slower") == true)
  }

  @Test func whatWasNotTimedIsLeftAsItIs() {
    #expect(MachineSpeed([0, 0]).factor(0) == 1)
    #expect(MachineSpeed([]).usualNs == nil)
    let one = MachineSpeed([0, 120])
    #expect(one.factor(0) == 1)
    #expect(one.factor(120) == 1)
  }

  @Test func aQuietMachineIsNotWorthANotice() {
    #expect(MachineSpeed([100, 110, 104]).notice == nil)
    #expect(MachineSpeed([]).notice == nil)
  }
}
