// Processes, signals, memory and files: what Swift can't express alike on all systems.
#pragma once
#include <stddef.h>
#include <sys/types.h>

// Makes a pipe: ends[0] is read, ends[1] written. Both are above 2 and closed in programs that this process
// starts. Returns 0 or an errno.
int zoo_process_pipe(int ends[2]);

// Starts `path` with `arguments` (ended by NULL), `input` and `output` as its standard input and output,
// no standard error, default signal handling and the environment of this process. `input` and `output`
// must be above 2. Returns 0 with the process in `child`, or an errno.
int zoo_process_spawn(
    const char *path, char *const arguments[], int input, int output, pid_t *child);

// Leaves this process its three standard streams, and for the rest of its life at most `memory` bytes of
// data, `mapped` more of address space, `seconds` of processor time, no further files, no bytes written
// to files and no core dump. What the system has no such limit for stays as it is.
void zoo_process_confine(size_t memory, size_t mapped, unsigned seconds);

// Gives this process at most `bytes` of address space and no core dump, where the system has such limits.
void zoo_process_limit_memory(size_t bytes);

// Writes the path of this process's executable, with its terminating zero, into `path`. Returns 0, or an
// errno.
int zoo_process_executable(char *path, size_t capacity);

// Waits for `child` to end. Returns 0 with its exit code in `code` and the signal that ended it, or 0, in
// `signal`; or an errno.
int zoo_process_wait(pid_t child, int *code, int *signal);

// From now on `report` is called where memory can't be delivered at `address`, as where a mapped file has
// become shorter, in the middle of whatever the thread was doing. Where it returns, the process dies of the
// signal.
void zoo_process_on_bus_error(void (*report)(const void *address));

// Opens a new file in `folder` that has no name and is gone when this process ends, unless it is given one.
// Returns its descriptor, or -1 where the system or the file system has no such files.
int zoo_process_open_unnamed(const char *folder);

// Gives such a file the name `path`, which must be free and in its file system. Returns 0 or an errno.
int zoo_process_name(int descriptor, const char *path);

// A path under which this process can open such a file again.
void zoo_process_unnamed_path(int descriptor, char path[64]);

// Gives `from` the name `to` in one step: with `exchange` the two change names, without `to` must be free. Returns 0 or an
// errno; EINVAL, ENOSYS or ENOTSUP where the system or the file system can't do that.
int zoo_process_rename(const char *from, const char *to, int exchange);

// Says that all of this memory will be written and read: where there is much of it, the system may give it in large
// pages, which takes less time.
void zoo_expect_large_use(void *address, size_t bytes);

// Has the system begin to write to the disk what it holds of a file in memory, without a wait for all of it and without
// a flush of the disk, where it can do that.
void zoo_begin_writeback(int file);
