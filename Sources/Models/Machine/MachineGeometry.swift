/// The caches and translation buffers of a machine, as the memory model needs them.
public struct MachineGeometry: Equatable, Sendable, Codable {
  /// One cache level or translation buffer: `sets` × `ways` lines or pages.
  public struct Level: Equatable, Sendable, Codable {
    public var sets: Int
    public var ways: Int

    public init(sets: Int, ways: Int) {
      self.sets = sets
      self.ways = ways
    }

    /// Lines or pages it holds.
    public var capacity: Int { sets * ways }
  }

  /// 64-byte lines; sets of the first two levels are powers of two.
  public var levelOne: Level
  public var levelTwo: Level
  public var levelThree: Level
  /// 4 KiB pages; sets are powers of two.
  public var translation: Level
  public var translationSecond: Level

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

  /// A recent server core (Intel Sapphire Rapids, Optimization Reference Manual 248966, §2.3):
  /// 48 KiB, 2 MiB, 32 MiB of the shared cache, 96 and 2048 translations. The same on every
  /// machine, so that results can be compared.
  public static let reference = MachineGeometry(
    levelOne: Level(sets: 64, ways: 12), levelTwo: Level(sets: 2048, ways: 16),
    levelThree: Level(sets: 32768, ways: 16), translation: Level(sets: 16, ways: 6),
    translationSecond: Level(sets: 128, ways: 16))
}
