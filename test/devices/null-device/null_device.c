/* A device built outside of cellgrad against native/device/driver.h alone: memory of the host, and no compiler.
   With TEXTS, the path of a folder, it asks for CUDA C, keeps the texts there and refuses them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

static int32_t allocate(void* self, uint64_t bytes, cg_address* address) {
  (void)self;
  void* memory = malloc(bytes);
  *address = (cg_address)(uintptr_t)memory;
  return memory == NULL ? -1 : 0;
}

static int32_t release(void* self, cg_address address) {
  (void)self;
  free((void*)(uintptr_t)address);
  return 0;
}

static int32_t upload(void* self, cg_address to, const void* host, uint64_t bytes) {
  (void)self;
  memcpy((void*)(uintptr_t)to, host, bytes);
  return 0;
}

static int32_t download(void* self, void* host, cg_address from, uint64_t bytes) {
  (void)self;
  memcpy(host, (const void*)(uintptr_t)from, bytes);
  return 0;
}

static int32_t copy(void* self, cg_address to, cg_address from, uint64_t bytes) {
  (void)self;
  memmove((void*)(uintptr_t)to, (const void*)(uintptr_t)from, bytes);
  return 0;
}

/* Nothing is ever under way. */
static int32_t record(void* self, cg_event** event) {
  (void)self;
  *event = (cg_event*)1;
  return 0;
}

static int32_t query(void* self, cg_event* event) {
  (void)self;
  (void)event;
  return 1;
}

static int32_t elapsed(void* self, cg_event* from, cg_event* to, double* nanoseconds) {
  (void)self;
  (void)from;
  (void)to;
  *nanoseconds = 0;
  return 0;
}

static void forget(void* self, cg_event* event) {
  (void)self;
  (void)event;
}

#ifdef TEXTS
static int32_t compile(void* self, const char* text, const char* entry, cg_program** program, char* log,
                       uint64_t log_bytes) {
  static int count = 0;
  char path[4096];
  (void)self;
  (void)entry;
  (void)program;
  snprintf(log, log_bytes, "kept");
  snprintf(path, sizeof path, "%s/%d.cu", TEXTS, count++);
  FILE* file = fopen(path, "w");
  if (file == NULL) return -5;
  fputs(text, file);
  fclose(file);
  return -5;
}
#define COMPILE compile
#define NAME "text:0"
#define DIALECT "cuda"
#else
#define COMPILE NULL
#define NAME "null:0"
#define DIALECT NULL
#endif

static const cg_driver driver = {
    .version = CG_DRIVER_VERSION,
    .bytes = sizeof(cg_driver),
    .capabilities = {.name = NAME,
                     .description = "memory without a processor",
                     .dialect = DIALECT,
                     .memory = 64u << 20,
                     .allocation = 64u << 20,
                     .group = 1,
                     .float64 = 1},
    .allocate = allocate,
    .release = release,
    .upload = upload,
    .download = download,
    .copy = copy,
    .compile = COMPILE,
    .record = record,
    .query = query,
    .elapsed = elapsed,
    .forget = forget,
};

const cg_driver* cg_open_driver(uint32_t version) { return version == CG_DRIVER_VERSION ? &driver : NULL; }
