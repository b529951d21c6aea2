/* What a device does, as a versioned table of C functions: OpenCL fills it from inside, a plug-in from a shared library.
   A plug-in exports `const cg_driver* cg_open_driver(uint32_t version)`, which answers NULL when it cannot serve that version.
   Functions answer 0 or a negative number of core/status.h: -1 out of memory, -5 invalid, -8 the device is lost. */
#pragma once
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define CG_DRIVER_VERSION 2u

/* Memory of the device: a number on which offsets can be added. Not a host pointer. */
typedef uint64_t cg_address;
typedef struct cg_program cg_program;
typedef struct cg_event cg_event;
typedef struct cg_stream cg_stream;

/* One argument of a launch: memory when `value` is NULL, else `bytes` bytes that are passed by value. */
typedef struct cg_argument {
  cg_address address;
  const void* value;
  uint64_t bytes;
} cg_argument;

/* y = alpha a b + beta y + bias, `batches` times: matrices [m, k], [k, n] and contiguous [m, n]; `bias` [n] is added to every row, 0: none.
   Strides are in elements; of a row or a column one is 1. `dtype`: 0 float32, 1 float64, 2 float16, 3 bfloat16; sums are float32 or,
   for float64, float64. With `fast`, elements of float32 may be rounded to the 10 bits of TF32 before they are multiplied. */
typedef struct cg_gemm {
  int32_t dtype, fast;
  int64_t batches, m, n, k;
  cg_address a, b, y, bias;
  int64_t a_row, a_column, a_batch, b_row, b_column, b_batch;
  double alpha, beta;
  uint64_t workspace_limit; /* bytes of memory that the product may want to work in */
  cg_address workspace;     /* as many as gemm_workspace says, aligned to 256 */
} cg_gemm;

typedef struct cg_capabilities {
  const char* name;        /* "opencl:0" */
  const char* description; /* model and driver */
  const char* dialect;     /* of the texts it compiles: "opencl" or "cuda"; NULL: none, every op runs on the CPU */
  uint64_t memory;         /* bytes in all */
  uint64_t allocation;     /* bytes of the largest allocation */
  uint32_t group;          /* most threads of a group */
  uint32_t float64;        /* 1: computes in float64 */
} cg_capabilities;

/* Work of a stream is done in the order of the calls. `download` waits; everything else may return before it is done. */
typedef struct cg_driver {
  uint32_t version; /* CG_DRIVER_VERSION */
  uint32_t bytes;   /* sizeof(cg_driver), so that later versions can add to the end */
  void* self;       /* first argument of every function */
  cg_capabilities capabilities;

  int32_t (*allocate)(void* self, uint64_t bytes, cg_address* address);
  int32_t (*release)(void* self, cg_address address);
  /* From and to any memory of the host; `host` may change afterwards. NULL where there is pinned memory (`send`, `fetch`). */
  int32_t (*upload)(void* self, cg_address to, const void* host, uint64_t bytes);
  int32_t (*download)(void* self, void* host, cg_address from, uint64_t bytes);
  int32_t (*copy)(void* self, cg_address to, cg_address from, uint64_t bytes);

  /* `entry` is the kernel's name in the text. On failure the compiler's words are in `log`, cut at `log_bytes`. May be NULL. */
  int32_t (*compile)(void* self, const char* text, const char* entry, cg_program** program, char* log,
                     uint64_t log_bytes);
  /* The compiled form, for a cache on disk: with `data` NULL only its size. May be NULL. */
  int32_t (*binary)(void* self, cg_program* program, void* data, uint64_t* bytes);
  int32_t (*load)(void* self, const void* data, uint64_t bytes, const char* entry, cg_program** program);
  int32_t (*launch)(void* self, cg_program* program, const cg_argument* arguments, uint32_t count,
                    const uint32_t groups[3], const uint32_t group[3]);

  /* An event is over when the work before it is. query: 1 over, 0 not yet. elapsed: nanoseconds between two that are over. */
  int32_t (*record)(void* self, cg_event** event);
  int32_t (*query)(void* self, cg_event* event);
  int32_t (*elapsed)(void* self, cg_event* from, cg_event* to, double* nanoseconds);
  void (*forget)(void* self, cg_event* event);

  /* The maker's own matrix product; -11 where it has none for this case. May be NULL: the text of ours is launched then. */
  int32_t (*gemm)(void* self, const cg_gemm* call);
  /* Bytes of workspace that gemm needs for a case. May be NULL: none. */
  uint64_t (*gemm_workspace)(void* self, const cg_gemm* call);
  /* Bytes of the device that nobody has, this process or another. May be NULL: unknown. */
  int32_t (*available)(void* self, uint64_t* bytes);

  /* Streams live as long as the process; work of two is done in any order. Every function uses the one that its thread has chosen, NULL
     being the first, which is always there. await_event: later work of the stream waits for the event, the host does not.
     May be NULL, all three: there is one stream. */
  int32_t (*open_stream)(void* self, cg_stream** stream);
  void (*use_stream)(void* self, cg_stream* stream);
  int32_t (*await_event)(void* self, cg_event* event);

  /* Pinned memory of the host. send and fetch copy from and to it in the order of the stream, while the host goes on: it leaves the bytes
     alone until an event says that the copy is over. May be NULL, all four. */
  int32_t (*allocate_host)(void* self, uint64_t bytes, void** host);
  int32_t (*release_host)(void* self, void* host);
  int32_t (*send)(void* self, cg_address to, const void* host, uint64_t bytes);
  int32_t (*fetch)(void* self, void* host, cg_address from, uint64_t bytes);
} cg_driver;

#ifdef __cplusplus
}
#endif
