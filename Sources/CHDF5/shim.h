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

static inline hid_t zoo_h5_open_dataset(hid_t parent, const char *path) {
  return H5Dopen2(parent, path, H5P_DEFAULT);
}
static inline hid_t zoo_h5_open_group(hid_t parent, const char *path) {
  return H5Gopen2(parent, path, H5P_DEFAULT);
}
static inline hid_t zoo_h5_open_attribute(hid_t object, const char *name) {
  return H5Aopen(object, name, H5P_DEFAULT);
}

// Whether the object that the hard link `path` leads to is a dataset (1), a group (0) or something
// else or unreadable (negative).
static inline int zoo_h5_is_dataset(hid_t parent, const char *path) {
  hid_t object = H5Oopen(parent, path, H5P_DEFAULT);
  if (object < 0) return -1;
  H5I_type_t type = H5Iget_type(object);
  H5Oclose(object);
  return type == H5I_DATASET ? 1 : type == H5I_GROUP ? 0 : -1;
}

// The H5L_type_t of a link; -2 where there is none, -1 on failure.
static inline int zoo_h5_link_type(hid_t parent, const char *path) {
#if H5_VERSION_GE(1, 12, 0)
  H5L_info2_t info;
  if (H5Lget_info2(parent, path, &info, H5P_DEFAULT) >= 0) return (int)info.type;
#else
  H5L_info_t info;
  if (H5Lget_info(parent, path, &info, H5P_DEFAULT) >= 0) return (int)info.type;
#endif
  return H5Lexists(parent, path, H5P_DEFAULT) == 0 ? -2 : -1;
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

static inline void zoo_h5_free_strings(hid_t type, hid_t space, void *strings) {
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, strings);
}

// Reads all of a dataset in its own element type.
static inline herr_t zoo_h5_read(hid_t dataset, hid_t type, void *target) {
  return H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, target);
}

// The identifier of filter `index` of a dataset's creation properties; negative on failure.
static inline int zoo_h5_filter(hid_t properties, unsigned index) {
  unsigned flags = 0, configuration = 0;
  size_t count = 0;
  char name[1];
  return (int)H5Pget_filter2(properties, index, &flags, &count, NULL, 0, name, &configuration);
}

// The address that stands for "no address" is a macro with a cast.
static inline int zoo_h5_is_address(haddr_t address) { return address != HADDR_UNDEF; }
