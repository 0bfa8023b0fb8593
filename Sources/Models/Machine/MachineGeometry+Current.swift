import Foundation
import Platform

extension MachineGeometry {
  /// This machine: its caches as the kernel describes them. The kernel doesn't tell translation
  /// buffers; they, and levels that it doesn't describe or that have other lines than 64 bytes, are
  /// the reference's. The same on every run on one machine.
  ///
  /// A virtual machine is told the whole shared level of its host, of which it may have a part.
  /// - Parameter folder: laid out as /sys/devices/system/cpu/cpu0/cache is.
  public static func current(caches folder: URL = ProcessorCaches.folder) -> MachineGeometry {
    var geometry = reference
    for cache in ProcessorCaches.levels(below: folder) where cache.lineBytes == 64 {
      let level = Level(sets: cache.sets, ways: cache.ways)
      switch cache.level {
      case 1: geometry.levelOne = level
      case 2: geometry.levelTwo = level
      case 3: geometry.levelThree = level
      default: break
      }
    }
    return geometry
  }
}
