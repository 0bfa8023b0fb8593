extension ReplayMeasurement {
  /// A measurement as a notebook keeps it: what only a diagnosis needs is not kept, and is 0.
  public init(
    stored windowNanoseconds: [Float], calls: UInt64, coreGHz: Double, pageFaults: UInt64,
    peakResidentBytes: UInt64
  ) {
    self.init(
      windowNanoseconds: windowNanoseconds, waitedNanoseconds: 0, calls: calls, coreGHz: coreGHz,
      tscGHz: 0, pageFaults: pageFaults, peakResidentBytes: peakResidentBytes,
      involuntarySwitches: 0)
  }
}
