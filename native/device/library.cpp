// Drivers are opened at run time.
#include "device/library.h"

#include <dlfcn.h>

namespace cg {

bool library_loads(const char* name) {
  void* library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) return false;
  dlclose(library);
  return true;
}

} // namespace cg
