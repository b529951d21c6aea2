// Drivers are opened at run time and never linked, so that the runtime loads where they are missing. They are never closed.
#pragma once

namespace cg {

// nullptr when the library cannot be opened.
void* open_library(const char* name);
void* find_symbol(void* library, const char* name);

} // namespace cg
