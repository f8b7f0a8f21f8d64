// What Swift can't import from HDF5's headers (function-like macros, calls that differ between
// versions), as small functions, and files opened in memory.
#pragma once
#include <hdf5.h>
#include <stddef.h>
#include <string.h>

// MARK: Errors

typedef struct {
  char *text;
  size_t capacity;
} zoo_h5_message;

static herr_t zoo_h5_keep_first(unsigned n, const H5E_error2_t *error, void *context) {
  zoo_h5_message *message = (zoo_h5_message *)context;
  if (n == 0 && error->desc) {
    strncpy(message->text, error->desc, message->capacity - 1);
    message->text[message->capacity - 1] = 0;
  }
  return 0;
}

// Copies the innermost message of the error stack into `text`; empty where there is none. Every
// other call clears the stack first.
static inline void zoo_h5_error_message(char *text, size_t capacity) {
  zoo_h5_message message = {text, capacity};
  text[0] = 0;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, zoo_h5_keep_first, &message);
}

// MARK: A file in memory, without a copy of it

// HDF5's core driver copies a file image through these callbacks; every one of its copies is the
// image itself here, which is the callbacks' user data. Files are opened read-only.
static void *zoo_h5_image_malloc(size_t count, H5FD_file_image_op_t operation, void *image) {
  (void)count, (void)operation;
  return image;
}
static void *zoo_h5_image_memcpy(
    void *target, const void *source, size_t count, H5FD_file_image_op_t operation, void *image) {
  (void)count, (void)operation;
  return target == image && source == image ? target : NULL;
}
static void *zoo_h5_image_realloc(void *memory, size_t count, H5FD_file_image_op_t operation, void *image) {
  (void)memory, (void)count, (void)operation, (void)image;
  return NULL;
}
static herr_t zoo_h5_image_free(void *memory, H5FD_file_image_op_t operation, void *image) {
  (void)memory, (void)operation, (void)image;
  return 0;
}
static void *zoo_h5_image_udata_copy(void *image) { return image; }
static herr_t zoo_h5_image_udata_free(void *image) {
  (void)image;
  return 0;
}

// Opens `count` bytes, which must outlive the file. `name` must differ from that of every other open
// file: HDF5 takes two images of one name for the same file. Negative on failure, with the reason in
// `text`.
static inline hid_t zoo_h5_open_image(
    const void *bytes, size_t count, const char *name, char *text, size_t capacity) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return -1;
  H5FD_file_image_callbacks_t callbacks = {
      zoo_h5_image_malloc,     zoo_h5_image_memcpy,     zoo_h5_image_realloc, zoo_h5_image_free,
      zoo_h5_image_udata_copy, zoo_h5_image_udata_free, (void *)bytes};
  hid_t file = -1;
  if (H5Pset_fapl_core(access, 1 << 16, 0) >= 0 && H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
      H5Pset_file_image(access, (void *)bytes, count) >= 0) {
    file = H5Fopen(name, H5F_ACC_RDONLY, access);
  }
  if (file < 0) zoo_h5_error_message(text, capacity);
  H5Pclose(access);
  return file;
}

// MARK: The library

// Keeps HDF5 from tearing itself down at exit, under the feet of other threads, and from loading
// filters that a file names. Call once, before anything else.
static inline void zoo_h5_start(void) {
  H5dont_atexit();
  H5open();
  H5PLset_loading_state(0);
}

// Turns off printing of errors and forgets past ones. The setting belongs to a thread.
static inline void zoo_h5_prepare_thread(void) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5Eclear2(H5E_DEFAULT);
}

// MARK: Objects

static inline hid_t zoo_h5_open(hid_t parent, const char *name) { return H5Oopen(parent, name, H5P_DEFAULT); }
static inline hid_t zoo_h5_open_attribute(hid_t object, const char *name) {
  return H5Aopen(object, name, H5P_DEFAULT);
}

typedef struct {
  // The same for every link to one object, and for no other object of the file.
  unsigned long long identity;
  int is_group, is_dataset;
  unsigned long long attributes;
} zoo_h5_object;

// What the open `object` is; negative on failure.
static inline int zoo_h5_describe(hid_t object, zoo_h5_object *result) {
#if H5_VERSION_GE(1, 12, 0)
  H5O_info2_t info;
  if (H5Oget_info3(object, &info, H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS) < 0) return -1;
  memcpy(&result->identity, &info.token, sizeof result->identity);
#else
  H5O_info_t info;
  if (H5Oget_info2(object, &info, H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS) < 0) return -1;
  result->identity = info.addr;
#endif
  result->is_group = info.type == H5O_TYPE_GROUP;
  result->is_dataset = info.type == H5O_TYPE_DATASET;
  result->attributes = info.num_attrs;
  return 0;
}

typedef struct {
  int (*visit)(const char *name, int link_type, void *context);
  void *context;
} zoo_h5_visitor;

#if H5_VERSION_GE(1, 12, 0)
static herr_t zoo_h5_visit_link(hid_t group, const char *name, const H5L_info2_t *info, void *visitor) {
#else
static herr_t zoo_h5_visit_link(hid_t group, const char *name, const H5L_info_t *info, void *visitor) {
#endif
  (void)group;
  zoo_h5_visitor *v = (zoo_h5_visitor *)visitor;
  return v->visit(name, (int)info->type, v->context);
}

// Calls `visit` for every link of `group` by ascending name until it returns other than 0; the
// result is what it returned last, or negative on failure.
static inline herr_t zoo_h5_each_link(
    hid_t group, int (*visit)(const char *name, int link_type, void *context), void *context) {
  zoo_h5_visitor visitor = {visit, context};
  hsize_t position = 0;
#if H5_VERSION_GE(1, 12, 0)
  return H5Literate2(group, H5_INDEX_NAME, H5_ITER_INC, &position, zoo_h5_visit_link, &visitor);
#else
  return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &position, zoo_h5_visit_link, &visitor);
#endif
}

static herr_t zoo_h5_visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *visitor) {
  (void)object, (void)info;
  zoo_h5_visitor *v = (zoo_h5_visitor *)visitor;
  return v->visit(name, 0, v->context);
}

// The same for every attribute of `object`.
static inline herr_t zoo_h5_each_attribute(
    hid_t object, int (*visit)(const char *name, int, void *context), void *context) {
  zoo_h5_visitor visitor = {visit, context};
  hsize_t position = 0;
  return H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &position, zoo_h5_visit_attribute, &visitor);
}

// MARK: Data

// A type for variable-length strings of the character set of `like`.
static inline hid_t zoo_h5_variable_string(hid_t like) {
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type < 0) return -1;
  if (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5Tget_cset(like)) < 0) {
    H5Tclose(type);
    return -1;
  }
  return type;
}

// Reads an attribute of one integer of any size.
static inline herr_t zoo_h5_read_integer(hid_t attribute, long long *value) {
  return H5Aread(attribute, H5T_NATIVE_LLONG, value);
}

static inline void zoo_h5_free_strings(hid_t type, hid_t space, void *strings) {
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, strings);
}

// Reads all of a dataset in its own element type.
static inline herr_t zoo_h5_read(hid_t dataset, hid_t type, void *target) {
  return H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, target);
}

// The identifier of filter `index` of a dataset's creation properties, with the first of its parameters, or
// 0, in `parameter`; negative on failure.
static inline int zoo_h5_filter(hid_t properties, unsigned index, unsigned *parameter) {
  unsigned flags = 0, configuration = 0, parameters[8] = {0};
  size_t count = 8;
  char name[1];
  int filter = (int)H5Pget_filter2(properties, index, &flags, &count, parameters, 0, name, &configuration);
  *parameter = count > 0 ? parameters[0] : 0;
  return filter;
}

// Whether chunks at a dataset's edges skip the filters, which no Keras file needs.
static inline int zoo_h5_edges_are_unfiltered(hid_t properties) {
  unsigned options = 0;
  return H5Pget_chunk_opts(properties, &options) >= 0 && (options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) != 0;
}

// The value of elements that were never written, in the dataset's own `type`; zeros where none is defined.
static inline herr_t zoo_h5_fill_value(hid_t properties, hid_t type, void *target) {
  H5D_fill_value_t status = H5D_FILL_VALUE_UNDEFINED;
  if (H5Pfill_value_defined(properties, &status) < 0) return -1;
  if (status == H5D_FILL_VALUE_UNDEFINED) return 0;
  return H5Pget_fill_value(properties, type, target);
}

// The address that stands for "no address" is a macro with a cast.
static inline int zoo_h5_is_address(haddr_t address) { return address != HADDR_UNDEF; }

// MARK: Writing

// Closes what is open of these and keeps the message of the failure before.
static inline void zoo_h5_close(hid_t a, hid_t b, hid_t c) {
  hid_t stack = H5Eget_current_stack();
  if (a >= 0) H5Idec_ref(a);
  if (b >= 0) H5Idec_ref(b);
  if (c >= 0) H5Idec_ref(c);
  if (stack >= 0) H5Eset_current_stack(stack);
}

// Creates a file in place of what has this name: compact structures, which HDF5 reads since 1.8, and no
// times in it.
static inline hid_t zoo_h5_create_file(const char *path) {
  hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS), file = -1;
  if (creation >= 0 && access >= 0 && H5Pset_obj_track_times(creation, 0) >= 0 &&
      H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0) {
    file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
  }
  zoo_h5_close(creation, access, -1);
  return file;
}

static inline hid_t zoo_h5_create_group(hid_t parent, const char *path) {
  hid_t creation = H5Pcreate(H5P_GROUP_CREATE), group = -1;
  if (creation >= 0 && H5Pset_obj_track_times(creation, 0) >= 0) {
    group = H5Gcreate2(parent, path, H5P_DEFAULT, creation, H5P_DEFAULT);
  }
  zoo_h5_close(creation, -1, -1);
  return group;
}

// A type of little-endian IEEE floats of 2, 4 or 8 bytes.
static inline hid_t zoo_h5_float(size_t size) {
  hid_t type = H5Tcopy(size == 8 ? H5T_IEEE_F64LE : H5T_IEEE_F32LE);
  if (type < 0 || size != 2) return type;
  // HDF5 has no ready-made type for binary16.
  if (H5Tset_fields(type, 15, 10, 5, 0, 10) < 0 || H5Tset_size(type, 2) < 0 || H5Tset_ebias(type, 15) < 0) {
    zoo_h5_close(type, -1, -1);
    return -1;
  }
  return type;
}

// Creates a dataset whose data has its place in the file at once, in one piece, and is left unwritten.
static inline hid_t zoo_h5_create_dataset(
    hid_t parent, const char *path, size_t float_size, int rank, const hsize_t *extents) {
  hid_t creation = H5Pcreate(H5P_DATASET_CREATE), dataset = -1;
  hid_t type = zoo_h5_float(float_size);
  hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, extents, NULL);
  if (creation >= 0 && type >= 0 && space >= 0 && H5Pset_obj_track_times(creation, 0) >= 0 &&
      H5Pset_layout(creation, H5D_CONTIGUOUS) >= 0 &&
      H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY) >= 0 &&
      H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0) {
    dataset = H5Dcreate2(parent, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  }
  zoo_h5_close(space, type, creation);
  return dataset;
}

static inline hid_t zoo_h5_open_group(hid_t parent, const char *path) {
  return H5Gopen2(parent, path, H5P_DEFAULT);
}

// Gives `object` an attribute of `count` strings of `width` bytes each, filled up with zeros, as h5py does
// with NumPy's byte strings; a single string without a shape where `count` is negative. Without strings
// the attribute is an empty array of numbers, which is what h5py makes of an empty list.
static inline herr_t zoo_h5_put_strings(
    hid_t object, const char *name, const void *bytes, size_t width, long count) {
  hsize_t extent = count < 0 ? 1 : (hsize_t)count;
  hid_t type = H5Tcopy(count == 0 ? H5T_IEEE_F64LE : H5T_C_S1);
  hid_t space = count < 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, NULL);
  hid_t attribute = -1;
  herr_t status = -1;
  if (type >= 0 && space >= 0 &&
      (count == 0 || (H5Tset_size(type, width) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0))) {
    attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) status = count == 0 ? 0 : H5Awrite(attribute, type, bytes);
  }
  zoo_h5_close(attribute, space, type);
  return status;
}

/* Writes an attribute of one text of any length, which a header of the object need not hold. */
static inline herr_t zoo_h5_put_text(hid_t object, const char *name, const char *text) {
  hid_t type = H5Tcopy(H5T_C_S1);
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t attribute = -1;
  herr_t status = -1;
  if (type >= 0 && space >= 0 && H5Tset_size(type, H5T_VARIABLE) >= 0 &&
      H5Tset_cset(type, H5T_CSET_UTF8) >= 0) {
    attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) status = H5Awrite(attribute, type, &text);
  }
  zoo_h5_close(attribute, space, type);
  return status;
}
