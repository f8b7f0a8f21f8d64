#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "CZooSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <unistd.h>

#ifdef __APPLE__
#include <crt_externs.h>
#include <mach-o/dyld.h>
#define ENVIRONMENT (*_NSGetEnviron())
#else
extern char **environ;
#define ENVIRONMENT environ
#endif

int zoo_process_pipe(int ends[2]) {
  int first[2];
#ifdef __linux__
  if (pipe2(first, O_CLOEXEC) != 0) return errno;
#else
  if (pipe(first) != 0) return errno;
#endif
  // One of the standard streams may be closed in this process, and its number be given to the pipe.
  ends[0] = fcntl(first[0], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  ends[1] = fcntl(first[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  int error = ends[0] < 0 || ends[1] < 0 ? errno : 0;
  close(first[0]);
  close(first[1]);
  for (int i = 0; error && i < 2; ++i) {
    if (ends[i] >= 0) close(ends[i]);
  }
  return error;
}

// The environment, with Swift's own tracing of crashes off: it would start further processes. Freed by the
// caller, its strings are not.
static char **quiet_environment(void) {
  static const char name[] = "SWIFT_BACKTRACE=";
  static char quiet[] = "SWIFT_BACKTRACE=enable=no";
  char **environment = ENVIRONMENT;
  size_t count = 0, kept = 0;
  while (environment && environment[count]) ++count;
  char **result = malloc((count + 2) * sizeof *result);
  if (!result) return NULL;
  for (size_t i = 0; i < count; ++i) {
    if (strncmp(environment[i], name, sizeof name - 1) != 0) result[kept++] = environment[i];
  }
  result[kept++] = quiet;
  result[kept] = NULL;
  return result;
}

int zoo_process_spawn(const char *path, char *const arguments[], int input, int output, pid_t *child) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int error = posix_spawn_file_actions_init(&actions);
  if (error) return error;
  error = posix_spawnattr_init(&attributes);
  if (error) {
    posix_spawn_file_actions_destroy(&actions);
    return error;
  }
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
  flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
  char **environment = quiet_environment();
  if (!environment) error = ENOMEM;
  if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
  if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
  if (!error) error = posix_spawnattr_setflags(&attributes, flags);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  if (!error) error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (!error) error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  if (!error) error = posix_spawn(child, path, &actions, &attributes, arguments, environment);
  free(environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

static void limit(int resource, rlim_t value) {
  struct rlimit current;
  if (getrlimit(resource, &current) != 0) return;
  if (current.rlim_max != RLIM_INFINITY && current.rlim_max < value) value = current.rlim_max;
  current.rlim_cur = value;
  current.rlim_max = value;
  setrlimit(resource, &current);
}

void zoo_process_limit_memory(size_t bytes) {
  limit(RLIMIT_CORE, 0);
#ifdef RLIMIT_AS
  limit(RLIMIT_AS, bytes);
#endif
}

void zoo_process_confine(size_t memory, size_t mapped, unsigned seconds) {
  // Descriptors that the parent did not mean to pass on.
  for (int descriptor = STDERR_FILENO + 1; descriptor < 1024; ++descriptor) close(descriptor);
  zoo_process_limit_memory(memory > SIZE_MAX - mapped ? SIZE_MAX : memory + mapped);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CPU, seconds);
  limit(RLIMIT_DATA, memory);
  limit(RLIMIT_NOFILE, STDERR_FILENO + 1);
}

int zoo_process_executable(char *path, size_t capacity) {
#ifdef __APPLE__
  uint32_t size = capacity > UINT32_MAX ? UINT32_MAX : (uint32_t)capacity;
  return _NSGetExecutablePath(path, &size) == 0 ? 0 : ENAMETOOLONG;
#else
  ssize_t length = readlink("/proc/self/exe", path, capacity);
  if (length < 0) return errno;
  if ((size_t)length >= capacity) return ENAMETOOLONG;
  path[length] = 0;
  return 0;
#endif
}

int zoo_process_wait(pid_t child, int *code, int *signal) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return errno;
  }
  *code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return 0;
}

static void (*bus_error_report)(const void *address);
static atomic_flag bus_error_reported = ATOMIC_FLAG_INIT;

static void on_bus_error(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  // Several threads may read the file at once: the first to fail ends the process, the others wait for that.
  if (atomic_flag_test_and_set(&bus_error_reported)) {
    for (;;) pause();
  }
  bus_error_report(info->si_addr);
  // It did not end the process: the instruction that failed is done again, and then the system does.
  signal(SIGBUS, SIG_DFL);
}

void zoo_process_on_bus_error(void (*report)(const void *address)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  bus_error_report = report;
  sigaction(SIGBUS, &action, NULL);
}

void zoo_process_unnamed_path(int descriptor, char path[64]) {
  snprintf(path, 64, "/proc/self/fd/%d", descriptor);
}

int zoo_process_open_unnamed(const char *folder) {
#ifdef O_TMPFILE
  int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (descriptor < 0) return -1;
  char path[64];
  zoo_process_unnamed_path(descriptor, path);
  // Without /proc it could never get a name.
  if (access(path, F_OK) == 0) return descriptor;
  close(descriptor);
#else
  (void)folder;
#endif
  return -1;
}

int zoo_process_name(int descriptor, const char *path) {
#ifdef O_TMPFILE
  char unnamed[64];
  zoo_process_unnamed_path(descriptor, unnamed);
  return linkat(AT_FDCWD, unnamed, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
#else
  (void)descriptor, (void)path;
  return ENOTSUP;
#endif
}

int zoo_process_rename(const char *from, const char *to, int exchange) {
#if defined(__APPLE__)
  return renamex_np(from, to, exchange ? RENAME_SWAP : RENAME_EXCL) == 0 ? 0 : errno;
#elif defined(SYS_renameat2)
  // RENAME_EXCHANGE and RENAME_NOREPLACE, which not every C library declares.
  unsigned flags = exchange ? 2 : 1;
  return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags) == 0 ? 0 : errno;
#else
  (void)from, (void)to, (void)exchange;
  return ENOSYS;
#endif
}
