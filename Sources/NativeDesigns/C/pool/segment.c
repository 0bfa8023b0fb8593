// Segments: regions that are split into pages of one kind.

/// log2 of the bytes of a page; a huge segment has one page wherever the block starts.
static const uint8_t kind_shift[] = {16, 19, SEGMENT_SHIFT, 32};
static const uint8_t kind_pages[] = {64, 8, 1, 1};
/// What the segment's own state takes from its first page, in whole kernel pages.
static const uint16_t kind_reserve[] = {8192, 4096, 4096, 4096};
_Static_assert(sizeof(struct pool_segment) + 64 * (sizeof(struct pool_page) + 4) <= 8192,
               "small pages start behind the state of all of them");

#ifdef MALLOMETER_COUNT_STEPS
/// A page's state is a shared line, as other threads push to `remote`: who wrote it last lies
/// behind the states of all pages, in what they leave of the first page.
FAST struct shared_line *page_line(struct pool_page *page) {
  struct pool_segment *segment =
      (struct pool_segment *)((uintptr_t)page & ~(uintptr_t)(SEGMENT_BYTES - 1));
  return (struct shared_line *)(segment->pages + kind_pages[segment->kind]) + page->index;
}
#endif

static void segment_link(struct pool_heap *heap, struct pool_segment *segment) {
  struct pool_segment *next = heap->segments[segment->kind];
  segment->previous = NULL;
  segment->next = next;
  if (next) next->previous = segment;
  heap->segments[segment->kind] = segment;
}

static void segment_unlink(struct pool_heap *heap, struct pool_segment *segment) {
  if (segment->previous)
    segment->previous->next = segment->next;
  else
    heap->segments[segment->kind] = segment->next;
  if (segment->next) segment->next->previous = segment->previous;
}

/// A segment of free pages, the spare one if there is one; linked.
static struct pool_segment *segment_new(struct pool_heap *heap, enum page_kind kind) {
  struct pool_segment *segment = heap->spare;
  if (segment) {
    heap->spare = NULL;
  } else {
    segment = region_map(SEGMENT_BYTES, SEGMENT_BYTES);
    if (!segment) return NULL;
    segment->region = (char *)segment;
    segment->region_bytes = SEGMENT_BYTES;
    segment->heap = heap;
#if IS_ENCODED
    if (!atomic_load_explicit(&link_key, memory_order_relaxed)) link_key_begin();
#endif
  }
  COUNT(SEGMENT_INIT);
  segment->page_shift = kind_shift[kind];
  segment->kind = (uint8_t)kind;
  segment->used_pages = 0;
  segment->free_pages = UINT64_MAX >> (64 - kind_pages[kind]);
  segment_link(heap, segment);
  return segment;
}

/// A page to be filled with blocks of a bin, or NULL when out of memory.
static struct pool_page *segment_take_page(struct pool_heap *heap, uint32_t bin) {
  enum page_kind kind = bin_kind(bin);
  struct pool_segment *segment = heap->segments[kind];
  if (!segment) {
    segment = segment_new(heap, kind);
    if (!segment) return NULL;
  }
  COUNT(PAGE_FRESH);
  uint32_t index = (uint32_t)__builtin_ctzl(segment->free_pages);
  segment->free_pages &= segment->free_pages - 1;
  segment->used_pages++;
  if (!segment->free_pages) segment_unlink(heap, segment);
  size_t reserve = index == 0 ? kind_reserve[kind] : 0;
  size_t page_bytes = (size_t)1 << kind_shift[kind];
  struct pool_page *page = &segment->pages[index];
  page->free = NULL;
  page->local_free = NULL;
  atomic_store_explicit(&page->remote, 0, memory_order_relaxed);
  atomic_store_explicit(&page->used, 0, memory_order_relaxed);
  atomic_store_explicit(&page->flags, 0, memory_order_relaxed);
  page->bin = (uint8_t)bin;
  page->capacity = 0;
  page->reserved = (uint16_t)((page_bytes - reserve) / bin_bytes[bin]);
  page->index = (uint16_t)index;
  page->block_bytes = bin_bytes[bin];
  page->start = (char *)segment + index * page_bytes + reserve;
  SHARED_FORGET(*page_line(page));
  return page;
}

FAST struct pool_segment *segment_of_page(struct pool_page *page) {
  return (struct pool_segment *)((uintptr_t)page & ~(uintptr_t)(SEGMENT_BYTES - 1));
}

/// Takes a page back; a segment without used pages becomes the spare one or is unmapped.
static void segment_return_page(struct pool_heap *heap, struct pool_page *page) {
  COUNT(PAGE_RETURN);
  struct pool_segment *segment = segment_of_page(page);
  int linked = segment->free_pages != 0;
  segment->free_pages |= (uint64_t)1 << page->index;
  if (--segment->used_pages > 0) {
    if (!linked) segment_link(heap, segment);
    return;
  }
  if (linked) segment_unlink(heap, segment);
  if (heap->spare)
    region_unmap(segment->region, segment->region_bytes);
  else
    heap->spare = segment;
}

/// A block with a region of its own: the payload starts at a multiple of `alignment`, at most
/// SEGMENT_BYTES behind the segment's start.
SLOW void *huge_allocate(struct pool_heap *heap, size_t size, size_t alignment) {
  size_t offset = alignment > OS_PAGE_BYTES ? alignment : OS_PAGE_BYTES;
  if (size > LARGEST_REGION || offset > LARGEST_REGION) return out_of_memory();
  // A payload without bytes still has an address of its own.
  size_t bytes = align_up(offset + (size ? size : 1), OS_PAGE_BYTES);
  char *region = region_map(bytes, alignment > SEGMENT_BYTES ? alignment : SEGMENT_BYTES);
  if (!region) return NULL;
  COUNT(SEGMENT_INIT);
  struct pool_segment *segment =
      (struct pool_segment *)(offset > SEGMENT_BYTES ? region + offset - SEGMENT_BYTES : region);
  segment->heap = heap;
  segment->page_shift = kind_shift[HUGE_PAGE];
  segment->kind = HUGE_PAGE;
  segment->region = region;
  segment->region_bytes = bytes;
  atomic_store_explicit(&segment->pages[0].flags, PAGE_HUGE, memory_order_relaxed);
  return region + offset - HEADER_BYTES;
}
