import Designs
import Platform

/// Mappings, their cache, and huge pages: mapped.h and huge.h.
extension TieredModel {
  // MARK: - The cache

  private func touchSlot(_ slot: Int, isWrite: Bool) {
    memory.touch(
      TieredLayout.cacheSlots + UInt64(slot) * TieredLayout.slotBytes, isWrite: isWrite)
  }

  /// The most recently freed region that has the bytes, and at most a quarter more; 0 is none.
  private func takeCached(_ bytes: UInt64) -> Address {
    take(&cacheLock, at: TieredLayout.cache)
    touchSlot(0, isWrite: false)
    var slot = cache.slots[0].next
    while slot != 0 {
      counts.count(.regionCacheProbe)
      touchSlot(slot, isWrite: false)
      let entry = cache.slots[slot]
      let fits = entry.bytes >= bytes && entry.bytes - bytes <= bytes / 4
      memory.branch(TieredBranch.fits, taken: fits)
      if fits {
        counts.count(.regionCacheHit)
        touchSlot(entry.previous, isWrite: true)
        touchSlot(entry.next, isWrite: true)
        cache.remove(slot, by: currentThread, counts)
        return entry.region
      }
      slot = entry.next
    }
    return 0
  }

  private func putCached(_ region: Address, bytes: UInt64) {
    guard bytes <= options.cacheBytes else {
      unmapRegion(region, bytes)
      return
    }
    take(&cacheLock, at: TieredLayout.cache)
    counts.count(.regionCacheStore)
    touchSlot(cache.slots[0].next, isWrite: true)
    touchSlot(
      cache.insert(region, bytes: bytes, by: currentThread, counts), isWrite: true)
    while cache.count > options.cacheEntries || cache.bytes > options.cacheBytes {
      counts.count(.regionCacheEvict)
      let last = cache.slots[0].previous
      let victim = cache.slots[last]
      touchSlot(last, isWrite: true)
      cache.remove(last, by: currentThread, counts)
      unmapRegion(victim.region, victim.bytes)
    }
  }

  private func unmapRegion(_ region: Address, _ bytes: UInt64) {
    regions.remove(region)
    memory.unmapCall(region, bytes: bytes, counts)
  }

  // MARK: - Mappings

  @inline(never)
  func allocateMapped(size: UInt64, alignment: UInt64, thread: UInt16) -> Block {
    let offset = max(alignment, TieredLayout.mappedOffset)
    let bytes = patternBytes(thread, AddressSpace.wholePages(offset + max(size, 1)))
    var region: Address = 0
    if options.cacheEntries > 0 && alignment <= TieredLayout.page {
      region = takeCached(bytes)
      if options.statistics != .off { countStatistic(thread, region != 0 ? 72 : 80) }
      if region != 0 { measured.cacheHits += 1 } else { measured.cacheMisses += 1 }
    }
    let fresh = region == 0
    if fresh {
      guard bytes <= AddressSpace.largestRegion else { return .none }
      region = memory.mapCall(bytes: bytes, counts)
      guard region != 0 else { return .none }
      if options.advisesWillNeed { counts.count(.adviseWillNeed) }
      if options.advisesSequential { counts.count(.adviseSequential) }
      regions.add(TieredRegion(tier: .mapped, bytes: bytes), at: region)
    }
    let record = regions.record(of: region)
    record.pointee.offset = offset
    record.pointee.moved = 0
    measured.taken += record.pointee.bytes
    writeHeader(region + offset)
    return Block(address: region + offset, fresh: fresh)
  }

  @inline(never)
  func freeMapped(_ payload: Address, _ record: TieredRegion) {
    let region = payload - record.offset
    if options.cacheEntries > 0 {
      putCached(region, bytes: record.bytes)
    } else {
      unmapRegion(region, record.bytes)
    }
  }

  // MARK: - Huge pages

  /// In the order of huge.h's kinds.
  private enum HugeKind: Int {
    case transparent, reserved, gigantic

    var pageBytes: UInt64 { self == .gigantic ? 1 << 30 : 2 << 20 }
  }

  /// Which pages serve a request; nil for plain ones.
  private func chooseHuge(_ size: UInt64) -> HugeKind? {
    take(&hugeLock, at: TieredLayout.huge)
    var left: HugePages
    if let hugePages {
      left = hugePages
    } else {
      counts.count(.hugePageDetect)
      left = givenHugePages ?? .current()
    }
    defer { hugePages = left }
    if size >= 1 << 30 {
      let pages = (size + 1 << 30 - 1) >> 30
      if left.gigantic >= pages {
        left.gigantic -= pages
        return .gigantic
      }
      counts.count(.giganticPageFallback)
    }
    let pages = (size + 2 << 20 - 1) >> 21
    if left.reserved >= pages {
      left.reserved -= pages
      return .reserved
    }
    counts.count(.hugePageFallback)
    if left.transparent { return .transparent }
    counts.count(.transparentPageFallback)
    return nil
  }

  /// A block in huge pages; address 0 when only plain ones are to be had. The address space before
  /// it, of which only the page with the header is ever touched, isn't counted as mapped.
  @inline(never)
  func allocateHuge(size: UInt64, alignment: UInt64) -> Block {
    measured.hugeAllocations += 1
    guard let kind = chooseHuge(size) else {
      measured.hugeFallbacks += 1
      return .none
    }
    let page = kind.pageBytes
    let offset = max(alignment, page)
    let area = (size + page - 1) & ~(page - 1)
    guard offset + area <= AddressSpace.largestRegion else {
      giveHuge(kind, area)
      return .none
    }
    let region = memory.mapCall(bytes: TieredLayout.page + area, counts)
    guard region != 0 else {
      giveHuge(kind, area)
      return .none
    }
    counts.count(kind == .transparent ? .adviseHugePage : .hugePageMap)
    memory.useHugePages(region + offset, bytes: area)
    regions.add(
      TieredRegion(tier: .huge, number: kind.rawValue, bytes: offset + area, offset: offset),
      at: region)
    measured.taken += TieredLayout.page + area
    writeHeader(region + offset)
    return Block(address: region + offset, fresh: true)
  }

  private func giveHuge(_ kind: HugeKind, _ area: UInt64) {
    guard kind != .transparent else { return }
    take(&hugeLock, at: TieredLayout.huge)
    if kind == .gigantic {
      hugePages?.gigantic += area / kind.pageBytes
    } else {
      hugePages?.reserved += area / kind.pageBytes
    }
  }

  @inline(never)
  func freeHuge(_ payload: Address, _ record: TieredRegion) {
    regions.remove(payload)
    let area = record.bytes - record.offset
    memory.unmapCall(payload - TieredLayout.page, bytes: TieredLayout.page + area, counts)
    // The record's number is a kind.
    giveHuge(HugeKind(rawValue: record.number) ?? .transparent, area)
  }
}
