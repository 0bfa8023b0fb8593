/* Loads a library, lets it allocate, and unloads it. */
#include <dlfcn.h>
#include <stdlib.h>

int main(int count, char **arguments) {
  if (count < 2) return 2;
  for (int i = 0; i < 3; i++) {
    void *library = dlopen(arguments[1], RTLD_NOW);
    if (!library) return 3;
    void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(library, "library_allocate");
    free(allocate(50001));
    dlclose(library);
  }
  return 0;
}
