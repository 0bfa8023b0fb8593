// pool: mimalloc's scheme. A thread-local heap of pages, each filled with blocks of one size that
// are kept on lists linked through the free blocks themselves.

#include "toggles.h"

#include "types.h"

#include "links.c"

#include "bins.c"

static void free_local_flagged(struct pool_heap *heap, struct pool_page *page,
                               struct pool_block *block);
static struct pool_page *page_of(const void *block);

#include "segment.c"

#include "page.c"

#include "magazine.c"

#include "heap.c"

#include "free.c"

#include "allocate.c"
