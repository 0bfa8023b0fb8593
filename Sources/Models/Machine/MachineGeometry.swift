/// The caches and translation buffers of a machine, as the memory model needs them.
public struct MachineGeometry: Equatable, Sendable, Codable {
  /// One cache level or translation buffer: `sets` × `ways` lines or pages.
  public struct Level: Equatable, Sendable, Codable {
    /// An address chooses one of them.
    public var sets: Int
    /// Lines or pages that one set holds.
    public var ways: Int

    /// At least 1 of each; `MachineModel` rounds sets where they must be a power of two.
    public init(sets: Int, ways: Int) {
      self.sets = sets
      self.ways = ways
    }

    /// Lines or pages it holds.
    public var capacity: Int { sets * ways }

    var withPowerOfTwoSets: Level {
      let rounded = 1 << (Int.bitWidth - 1 - max(sets, 1).leadingZeroBitCount)
      return Level(sets: rounded, ways: (capacity + rounded - 1) / rounded)
    }
  }

  /// The first level's data cache: 64-byte lines; sets of the first two levels are powers of two.
  public var levelOne: Level
  /// The second level, of one core.
  public var levelTwo: Level
  /// The third level, which cores share; its sets are any number.
  public var levelThree: Level
  /// The first translation buffer: 4 KiB pages; sets of both are powers of two.
  public var translation: Level
  /// The buffer behind it, asked where the first misses.
  public var translationSecond: Level

  /// Levels as they are described; `MachineModel` rounds what must be a power of two.
  public init(
    levelOne: Level, levelTwo: Level, levelThree: Level, translation: Level,
    translationSecond: Level
  ) {
    self.levelOne = levelOne
    self.levelTwo = levelTwo
    self.levelThree = levelThree
    self.translation = translation
    self.translationSecond = translationSecond
  }

  /// The same capacities with power-of-two sets where an index is cut out of an address: sets are
  /// rounded down and ways up. The third level is indexed by a hash and takes any number.
  var withPowersOfTwo: MachineGeometry {
    var geometry = self
    geometry.levelOne = levelOne.withPowerOfTwoSets
    geometry.levelTwo = levelTwo.withPowerOfTwoSets
    geometry.translation = translation.withPowerOfTwoSets
    geometry.translationSecond = translationSecond.withPowerOfTwoSets
    return geometry
  }

  /// A recent server core (Intel Sapphire Rapids, Optimization Reference Manual 248966, §2.3):
  /// 48 KiB, 2 MiB, 32 MiB of the shared cache, 96 and 2048 translations. The same on every
  /// machine, so that counts can be compared between machines.
  public static let reference = MachineGeometry(
    levelOne: Level(sets: 64, ways: 12), levelTwo: Level(sets: 2048, ways: 16),
    levelThree: Level(sets: 32768, ways: 16), translation: Level(sets: 16, ways: 6),
    translationSecond: Level(sets: 128, ways: 16))
}
