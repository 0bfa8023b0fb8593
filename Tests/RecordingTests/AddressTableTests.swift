import Platform
import Testing
import Traces

@testable import Recording

@Suite struct AddressTableTests {
  @Test func agreesWithADictionary() {
    var table = AddressTable(capacity: 16)
    var model: [UInt64: UInt32] = [:]
    var random = SeededGenerator(seed: 7)
    for round in 0..<200_000 {
      // Few addresses, close together, so that runs of collisions form and break up.
      let address = (random.next() % 600 + 1) * 16
      if model[address] == nil {
        model[address] = UInt32(round)
        #expect(table.slot(at: address) == nil)
        table.insert(address, slot: UInt32(round))
      } else if round % 3 != 0 {
        #expect(table.remove(address) == model.removeValue(forKey: address))
      }
      #expect(table.count == model.count)
    }
    for (address, slot) in model { #expect(table.slot(at: address) == slot) }
    #expect(table.remove(8) == nil)
  }
}
