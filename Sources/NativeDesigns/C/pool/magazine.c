// Magazines: arrays of the last frees of a small bin. Their blocks count as used in their pages.

#if HAS_MAGAZINES
FAST struct pool_block *magazine_pop(struct pool_magazine *magazine) {
  COUNT(MAGAZINE_POP);
  return magazine->blocks[--magazine->count];
}

/// - Returns: 0 for a block that isn't small, or when the magazine is full.
FAST int magazine_push(struct pool_heap *heap, struct pool_page *page, struct pool_block *block) {
  COUNT(MAGAZINE_CHECK);
  if (page->block_bytes > SMALL_BYTES) return 0;
  struct pool_magazine *magazine = &heap->magazines[page->bin];
  if (magazine->count == MAGAZINE_BLOCKS) return 0;
  COUNT(MAGAZINE_PUSH);
#if MALLOMETER_TOGGLE_HEADER > 0
  // As a link would on a list: a second free is found out.
  block->next = NULL;
#endif
  magazine->blocks[magazine->count++] = block;
  return 1;
}

/// Frees what magazines hold into its pages.
static __attribute__((unused)) void magazines_empty(struct pool_heap *heap) {
  for (uint32_t bin = 1; bin <= SMALL_BINS; bin++) {
    struct pool_magazine *magazine = &heap->magazines[bin];
    while (magazine->count) {
      struct pool_block *block = magazine_pop(magazine);
      free_local_flagged(heap, page_of(block), block);
    }
  }
}
#else
FAST int magazine_push(struct pool_heap *heap, struct pool_page *page, struct pool_block *block) {
  (void)heap, (void)page, (void)block;
  return 0;
}

static __attribute__((unused)) void magazines_empty(struct pool_heap *heap) { (void)heap; }
#endif
