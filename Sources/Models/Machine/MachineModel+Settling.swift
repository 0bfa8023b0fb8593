import CPlatform
import Designs

/// Charging for the touches that wait.
extension MachineModel {
  /// Lists what the buffers and caches must be asked, which takes no branch that can't be predicted,
  /// and then asks them.
  @inline(never)
  func settleTouches() {
    let count = waitingCount
    waitingCount = 0
    var done = 0
    while true {
      done += Int(
        mallometer_list_touches(
          lists, waiting + done, UInt32(truncatingIfNeeded: count - done), hasHugePages ? 1 : 0))
      if done == count { break }
      settleAlone(waiting[done])
      done += 1
    }
    accessListed()
  }

  /// A touch of a page that is huge, or has no frame, or takes a search of the page table.
  @inline(never)
  private func settleAlone(_ touch: UInt64) {
    let page = touch >> 8
    let index = mallometer_translation_index(page)
    let set = Int(truncatingIfNeeded: index & translationMask)
    let isRecent = lists.pointee.recent_pages[set] == page
    lists.pointee.recent_pages[set] = page
    var frame = table.frame(ofPage: page)
    if isRecent {
      // The one frame that isn't remembered.
      if frame == 0 { frame = PageTable.exhausted }
    } else {
      let isHuge = hasHugePages && hugeRanges.contains(page: page)
      if frame == 0 {
        accessListed()
        frame = isHuge ? faultHuge(page) : fault(page)
      } else if isHuge {
        translateHuge(page)
      } else {
        listTranslation(frame, index: index)
      }
    }
    mallometer_list_line(lists, touch, frame)
  }

  private func listTranslation(_ frame: UInt32, index: UInt64) {
    let last = Int(lists.pointee.translation_count)
    lists.pointee.translations[last] = UInt64(frame) | index << 32
    lists.pointee.translation_count += 1
  }

  private func accessListed() {
    accessTranslations()
    accessLines()
  }

  // MARK: Caches

  private func accessLines() {
    let count = lists.pointee.line_count
    guard count > 0 else { return }
    lists.pointee.line_count = 0
    var missed = (mallometer_missed(), mallometer_missed(), mallometer_missed())
    withUnsafeMutablePointer(to: &missed) { missed in
      missed.withMemoryRebound(to: mallometer_missed.self, capacity: 3) {
        mallometer_access_lines(caches, lists.pointee.lines, count, lists.pointee.position, $0)
      }
    }
    let (one, two, three) = missed
    counts.count(.levelTwoLoad, UInt64(one.loads - two.loads - two.overlapped))
    counts.count(.loadOverlapped, UInt64(two.overlapped))
    counts.count(.levelTwoStore, UInt64(one.stores - two.stores))
    counts.count(.levelThreeLoad, UInt64(two.loads - three.loads))
    counts.count(.levelThreeStore, UInt64(two.stores - three.stores))
    counts.count(.memoryLoad, UInt64(three.loads))
    counts.count(.memoryStore, UInt64(three.stores))
    counts.count(.lineStreamedNear, UInt64(one.streams - three.streams))
    counts.count(.lineStreamedMemory, UInt64(three.streams))
  }

  // MARK: Translation

  private func accessTranslations() {
    let count = lists.pointee.translation_count
    guard count > 0 else { return }
    lists.pointee.translation_count = 0
    var missed: (UInt32, UInt32) = (0, 0)
    withUnsafeMutablePointer(to: &missed) { missed in
      missed.withMemoryRebound(to: UInt32.self, capacity: 2) {
        mallometer_access_translations(buffers, lists.pointee.translations, count, $0)
      }
    }
    counts.count(.translationHit, UInt64(missed.0 - missed.1))
    counts.count(.translationWalk, UInt64(missed.1))
  }

  /// The kernel finds a frame, clears it and fills in the translation.
  private func fault(_ page: UInt64) -> UInt32 {
    counts.count(.pageFault)
    let (frame, isFirstOfTable) = table.assign(page: page)
    if isFirstOfTable { countTablePage(of: page) }
    fillTranslation(frame, index: mallometer_translation_index(page))
    // Frame 0 is nobody's page, and its line 0 no line: the others are the kernel's.
    counts.count(
      .kernelLine, UInt64(mallometer_fill_lines(caches, 1, UInt32(Step.kernelLinesOfAFault))))
    counts.count(.clearedLine, UInt64(mallometer_fill_lines(caches, frame << 6, 64)))
    return frame
  }

  /// The one translation of a huge page goes by its first frame.
  private func translateHuge(_ page: UInt64) {
    let number = page >> HugeRanges.shift
    listTranslation(
      table.frame(ofPage: number << HugeRanges.shift), index: mallometer_translation_index(number))
  }

  /// One fault for 512 pages, all of which are cleared.
  private func faultHuge(_ page: UInt64) -> UInt32 {
    counts.count(.hugePageFault)
    let number = page >> HugeRanges.shift
    var wanted: UInt32 = 1
    for small in number << HugeRanges.shift..<(number + 1) << HugeRanges.shift {
      let frame = table.assign(page: small).frame
      if small == page { wanted = frame }
      _ = mallometer_fill_lines(caches, frame << 6, 64)
    }
    fillTranslation(
      table.frame(ofPage: number << HugeRanges.shift), index: mallometer_translation_index(number))
    return wanted
  }

  private func fillTranslation(_ frame: UInt32, index: UInt64) {
    _ = translation.access(frame, set: Int(truncatingIfNeeded: index & translationMask))
    _ = translationSecond.access(frame, set: Int(truncatingIfNeeded: index & translationSecondMask))
  }
}
