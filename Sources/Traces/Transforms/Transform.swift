import Foundation

/// A change of the recorded program, expressed as a change of its trace: what the program would ask
/// its allocator for if one call site were written differently.
///
/// The changes are those that seed 000 weighs against a faster allocator: exact capacity instead of
/// growth, no intermediate collection, a buffer kept, an arena. What the program itself does
/// besides (copying into the grown buffer, filling it) is not in a trace and so not in the answer.
/// Nor is the clearing of a calloc: a kept buffer and an arena's objects would have to be cleared by
/// the program, where the allocator may have had fresh pages for it.
public struct Transform: Sendable, Equatable, CustomStringConvertible {
  public enum Kind: String, Sendable, CaseIterable {
    /// Exact capacity from the start: every object of the site is born with the most it ever grows
    /// to by realloc, and isn't reallocated.
    case preallocate
    /// The site's objects are gone: an intermediate collection that isn't made.
    case drop
    /// Freed blocks of the site are kept, `keep` of them per thread, and handed out again where
    /// they are large enough; the newest is grown where none is.
    case reuseBuffer = "reuse-buffer"
    /// The site's objects are cut one after the other from chunks of `bytes`, per thread. A chunk is
    /// used again, or freed, when the last of its objects is.
    case arena

    /// The parameter it takes besides the site.
    var parameter: (name: String, defaultValue: UInt64, range: ClosedRange<UInt64>)? {
      switch self {
      case .preallocate, .drop: nil
      case .reuseBuffer: ("keep", 8, 1...1024)
      case .arena: ("bytes", 65_536, 256...(1 << 30))
      }
    }
  }

  public let kind: Kind
  /// A site's number or the name of its function, as `info --sites` prints them.
  public let site: String
  /// Of the kind's parameter, 0 where it has none.
  public let value: UInt64

  public var description: String {
    guard let parameter = kind.parameter, value != parameter.defaultValue else {
      return "\(kind.rawValue)(\(site))"
    }
    return "\(kind.rawValue)(\(site),\(parameter.name)=\(value))"
  }

  /// Reads `kind(site)` or `kind(site,parameter=value)`.
  /// - Throws: `TraceError` of kind `.recipe` that names what was expected.
  public init(_ text: String) throws(TraceError) {
    let forms = "preallocate(SITE), drop(SITE), reuse-buffer(SITE[,keep=N]), arena(SITE[,bytes=N])"
    guard let open = text.firstIndex(of: "("), text.hasSuffix(")") else {
      throw Self.error(text, "isn't a transformation", "write one of \(forms)")
    }
    let name = String(text[..<open])
    guard let kind = Kind(rawValue: name) else {
      let known = Recipes.nearest(name, Kind.allCases.map(\.rawValue)).joined(separator: ", ")
      throw Self.error(
        text, "\"\(name)\" isn't a transformation; the known ones are \(known)",
        "write one of \(forms)")
    }
    var arguments = text[text.index(after: open)...].dropLast()
      .split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    let site = arguments.removeFirst()
    guard !site.isEmpty else {
      throw Self.error(
        text, "names no call site", "take one from: mallometer info TRACE --sites")
    }
    var value = kind.parameter?.defaultValue ?? 0
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      guard let parameter = kind.parameter, parts.first == parameter.name else {
        let known = kind.parameter.map { "only \($0.name)=N" } ?? "none besides the site"
        throw Self.error(
          text, "has no parameter \"\(argument)\"; it takes \(known)", "write one of \(forms)")
      }
      guard parts.count == 2, let number = Recipes.number(parts[1]),
        parameter.range.contains(number)
      else {
        throw Self.error(
          text,
          "\(parameter.name) must be a whole number from \(parameter.range.lowerBound) to "
            + "\(parameter.range.upperBound)",
          "give it as \(parameter.name)=\(parameter.defaultValue), for example")
      }
      value = number
    }
    self.kind = kind
    self.site = site
    self.value = value
  }

  private static func error(_ text: String, _ problem: String, _ remedy: String) -> TraceError {
    TraceError(.recipe, path: text, problem, remedy: remedy)
  }
}

/// What a transformation did to a trace.
public struct TransformSummary: Sendable, Equatable, Codable {
  /// Call sites it applied to.
  public let sites: Int
  /// Objects born at them.
  public let objects: UInt64
  /// Operations before and after.
  public let operationsBefore: UInt64
  public let operationsAfter: UInt64
}

extension Transform {
  /// Writes the trace as it would be.
  ///
  /// Reads it once, for `preallocate` twice. Memory: some 16 bytes per slot, and for
  /// `preallocate` 8 bytes per object of the site.
  /// - Throws: `TraceError` where the trace has no such site, where nothing of it would change, and
  ///   where it can't be read or written.
  public func apply(to trace: TraceReader, writing path: String) throws -> TransformSummary {
    let chosen = try chosenSites(of: trace)
    switch kind {
    case .drop: return try rewrite(trace, path, chosen, DropTransform())
    case .preallocate:
      return try rewrite(
        trace, path, chosen, PreallocateTransform(most: try Self.mostBytes(trace, chosen)))
    case .reuseBuffer:
      return try rewrite(trace, path, chosen, ReuseBufferTransform(keep: Int(value)))
    case .arena: return try rewrite(trace, path, chosen, ArenaTransform(chunkBytes: value))
    }
  }

  /// By site: whether the transformation applies to it.
  private func chosenSites(of trace: TraceReader) throws(TraceError) -> [Bool] {
    var chosen = [Bool](repeating: false, count: trace.sites.count)
    if let number = Int(site) {
      if chosen.indices.contains(number) { chosen[number] = true }
    } else {
      var symboliser = Symboliser(trace)
      for number in chosen.indices {
        let name = symboliser.name(ofSite: UInt32(number))
        chosen[number] = name == site || name.hasPrefix(site + " (")
      }
    }
    guard chosen.contains(true) else {
      throw TraceError(
        .recipe, path: trace.path, "has no call site \"\(site)\"",
        remedy: "list its call sites with: mallometer info \(trace.path) --sites")
    }
    return chosen
  }

  private func rewrite<T: SiteTransform>(
    _ trace: TraceReader, _ path: String, _ chosen: [Bool], _ transform: T
  ) throws -> TransformSummary {
    var header = trace.header
    // The rewritten trace has no page faults of its own from which to choose.
    header.touch = TouchPolicy.auto.resolved(for: trace)
    header.transforms = (header.transforms ?? []) + [description]
    var rewriter = TraceRewriter(
      output: try TransformOutput(trace, header: header, path: path), chosen: chosen,
      slots: trace.slots, transform: transform)
    try trace.forEachBlock { events in
      for event in events { try rewriter.take(event) }
    }
    guard rewriter.output.operations > 0 else {
      throw TraceError(
        .recipe, path: trace.path, "\(description) leaves nothing of the trace",
        remedy: "choose a call site that isn't the only one")
    }
    try rewriter.finish(footer: trace.footer ?? TraceFooter())
    guard rewriter.output.operations != UInt64(trace.operationCount) else {
      throw try unchanged(trace, chosen, objects: rewriter.objects)
    }
    return TransformSummary(
      sites: chosen.count { $0 }, objects: rewriter.objects,
      operationsBefore: UInt64(trace.operationCount),
      operationsAfter: rewriter.output.operations)
  }

  /// For each object of the sites, in the order of their births, the most bytes it ever has.
  private static func mostBytes(_ trace: TraceReader, _ chosen: [Bool]) throws -> [UInt64] {
    var most: [UInt64] = []
    // The object's number plus one, 0 where another site's object or none lives.
    var objects = [Int](repeating: 0, count: trace.slots)
    var isLive = [Bool](repeating: false, count: trace.slots)
    try trace.forEachBlock { events in
      for event in events {
        let slot = Int(event.slot)
        if event.kind.frees {
          isLive[slot] = false
          objects[slot] = 0
        } else if event.kind.allocates {
          if isLive[slot] {
            let object = objects[slot]
            if object > 0 { most[object - 1] = max(most[object - 1], event.size) }
          } else {
            isLive[slot] = true
            guard chosen[Int(event.site)] else { continue }
            most.append(event.size)
            objects[slot] = most.count
          }
        }
      }
    }
    return most
  }
}
