// Drivers are opened at run time.
#include "device/library.h"

#include <dlfcn.h>

namespace cg {

void* open_library(const char* name) { return dlopen(name, RTLD_NOW | RTLD_LOCAL); }
void* find_symbol(void* library, const char* name) { return dlsym(library, name); }

} // namespace cg
