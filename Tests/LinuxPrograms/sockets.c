// Built with musl too.
// Unix sockets (unix(7)): pairs, connections, datagrams, descriptors and credentials on the way.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

static char bytes[200000], other[200000];

static int exit_of(pid_t child) {
  int status = -1;
  if (waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static socklen_t abstract_name(struct sockaddr_un *address, const char *name) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "%s-%d", name, (int)getpid());
  return offsetof(struct sockaddr_un, sun_path) + 1 + length;
}

static void making(void) {
  int pair[2];
  CHECK_ERROR(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
  CHECK_ERROR(socket(AF_UNIX, 9, 0), ESOCKTNOSUPPORT);
  CHECK_ERROR(socket(AF_UNIX, SOCK_STREAM, 99), EPROTONOSUPPORT);
  CHECK_ERROR(socket(AF_UNIX, SOCK_STREAM | 0x100000, 0), EINVAL);
  int plain = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  REQUIRE(plain >= 0);
  struct stat status;
  if (fstat(plain, &status) == 0) CHECK(S_ISSOCK(status.st_mode));
  CHECK_ERROR(send(plain, "x", 1, MSG_NOSIGNAL), ENOTCONN);
  CHECK_ERROR(recv(plain, other, 1, 0), EINVAL);
  CHECK_ERROR(listen(plain, 1), EINVAL);
  CHECK_ERROR(accept(plain, NULL, NULL), EINVAL);
  struct sockaddr_un address;
  socklen_t size = sizeof address;
  CHECK_ERROR(getpeername(plain, (struct sockaddr *)&address, &size), ENOTCONN);
  CHECK_EQUAL(getsockname(plain, (struct sockaddr *)&address, &size), 0);
  CHECK_EQUAL(size, 2);
  CHECK_EQUAL(address.sun_family, AF_UNIX);
  CHECK_ERROR(connect(plain, (struct sockaddr *)&address, 1), EINVAL);
  size = abstract_name(&address, "nobody");
  CHECK_ERROR(connect(plain, (struct sockaddr *)&address, size), ECONNREFUSED);
  close(plain);
  REQUIRE(pipe(pair) == 0);
  CHECK_ERROR(listen(pair[0], 1), ENOTSOCK);
  close(pair[0]);
  close(pair[1]);
  CHECK_ERROR(listen(999, 1), EBADF);
}

static void pairs(int type) {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, type, 0, pair) == 0);
  CHECK_EQUAL(write(pair[0], "there", 5), 5);
  CHECK_EQUAL(write(pair[1], "back", 4), 4);
  struct pollfd fd = {pair[0], POLLIN | POLLOUT, 0};
  CHECK_EQUAL(poll(&fd, 1, 0), 1);
  CHECK_EQUAL(fd.revents, POLLIN | POLLOUT);
  int waiting = 0;
  CHECK_EQUAL(ioctl(pair[1], FIONREAD, &waiting), 0);
  CHECK_EQUAL(waiting, 5);
  CHECK_EQUAL(recv(pair[1], other, 100, MSG_PEEK), 5);
  CHECK_EQUAL(read(pair[1], other, 100), 5);
  CHECK(memcmp(other, "there", 5) == 0);
  CHECK_EQUAL(read(pair[0], other, 100), 4);
  CHECK_ERROR(recv(pair[0], other, 1, MSG_DONTWAIT), EAGAIN);
  int value = 0;
  socklen_t size = sizeof value;
  CHECK_EQUAL(getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &value, &size), 0);
  CHECK_EQUAL(value, type);
  CHECK_EQUAL(getsockopt(pair[0], SOL_SOCKET, SO_ERROR, &value, &size), 0);
  CHECK_EQUAL(value, 0);
  CHECK_EQUAL(getsockopt(pair[0], SOL_SOCKET, SO_DOMAIN, &value, &size), 0);
  CHECK_EQUAL(value, AF_UNIX);
  CHECK_ERROR(getsockopt(pair[0], SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
  struct ucred peer;
  size = sizeof peer;
  CHECK_EQUAL(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
  CHECK_EQUAL(peer.pid, getpid());
  CHECK_EQUAL(peer.uid, geteuid());
  if (type != SOCK_DGRAM) {
    CHECK_EQUAL(write(pair[0], "last", 4), 4);
    close(pair[0]);
    CHECK_EQUAL(read(pair[1], other, 100), 4);
    CHECK_EQUAL(read(pair[1], other, 100), 0);
    CHECK_ERROR(send(pair[1], "x", 1, MSG_NOSIGNAL), EPIPE);
    fd = (struct pollfd){pair[1], POLLIN | POLLOUT, 0};
    CHECK_EQUAL(poll(&fd, 1, 0), 1);
    CHECK_EQUAL(fd.revents, POLLIN | POLLOUT | POLLHUP);
  } else {
    close(pair[0]);
    CHECK_ERROR(write(pair[1], "x", 1), ECONNREFUSED);
  }
  close(pair[1]);
}

static void records(int type) {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, type, 0, pair) == 0);
  CHECK_EQUAL(send(pair[0], "first", 5, 0), 5);
  CHECK_EQUAL(send(pair[0], "", 0, 0), 0);
  CHECK_EQUAL(send(pair[0], "second", 6, 0), 6);
  CHECK_EQUAL(recv(pair[1], other, 3, 0), 3);
  CHECK_EQUAL(recv(pair[1], other, 3, 0), 0);
  CHECK_EQUAL(recv(pair[1], other, 2, MSG_TRUNC), 6);
  CHECK_ERROR(send(pair[0], bytes, 4000000, 0), EMSGSIZE);
  send(pair[0], "long", 4, 0);
  struct iovec pieces[2] = {{other, 1}, {other + 10, 2}};
  struct msghdr header = {.msg_iov = pieces, .msg_iovlen = 2};
  CHECK_EQUAL(recvmsg(pair[1], &header, 0), 3);
  CHECK(header.msg_flags & MSG_TRUNC);
  CHECK(other[0] == 'l' && other[10] == 'o' && other[11] == 'n');
  close(pair[0]);
  close(pair[1]);
}

static void shutting_down(void) {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK_ERROR(shutdown(pair[0], 3), EINVAL);
  write(pair[0], "x", 1);
  CHECK_EQUAL(shutdown(pair[0], SHUT_WR), 0);
  CHECK_EQUAL(read(pair[1], other, 10), 1);
  CHECK_EQUAL(read(pair[1], other, 10), 0);
  CHECK_ERROR(send(pair[0], "x", 1, MSG_NOSIGNAL), EPIPE);
  CHECK_EQUAL(write(pair[1], "y", 1), 1);
  CHECK_EQUAL(read(pair[0], other, 10), 1);
  struct pollfd fd = {pair[1], POLLIN | POLLRDHUP, 0};
  CHECK_EQUAL(poll(&fd, 1, 0), 1);
  CHECK_EQUAL(fd.revents, POLLIN | POLLRDHUP);
  close(pair[0]);
  close(pair[1]);
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  // Before the child writes: a writer that waits for room meanwhile gets EPIPE without the signal.
  CHECK_EQUAL(shutdown(pair[1], SHUT_RD), 0);
  pid_t child = fork();
  if (child == 0) {
    write(pair[0], "x", 1);
    _exit(0);
  }
  close(pair[0]);
  CHECK_EQUAL(exit_of(child), 1000 + SIGPIPE);
  close(pair[1]);
  // Unread bytes are lost, and the peer is told.
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  write(pair[0], "x", 1);
  close(pair[1]);
  CHECK_ERROR(read(pair[0], other, 1), ECONNRESET);
  CHECK_EQUAL(read(pair[0], other, 1), 0);
  close(pair[0]);
}

static void connections(int type) {
  struct sockaddr_un address, found;
  socklen_t length = abstract_name(&address, "listener"), size;
  int listener = socket(AF_UNIX, type, 0);
  CHECK_EQUAL(bind(listener, (struct sockaddr *)&address, length), 0);
  CHECK_ERROR(bind(listener, (struct sockaddr *)&address, length), EINVAL);
  int second = socket(AF_UNIX, type, 0);
  CHECK_ERROR(bind(second, (struct sockaddr *)&address, length), EADDRINUSE);
  CHECK_ERROR(connect(second, (struct sockaddr *)&address, length), ECONNREFUSED);
  CHECK_EQUAL(listen(listener, 1), 0);
  int value = 0;
  size = sizeof value;
  CHECK_EQUAL(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &value, &size), 0);
  CHECK_EQUAL(value, 1);
  CHECK_EQUAL(connect(second, (struct sockaddr *)&address, length), 0);
  CHECK_ERROR(connect(second, (struct sockaddr *)&address, length), EISCONN);
  int third = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
  CHECK_EQUAL(connect(third, (struct sockaddr *)&address, length), 0);
  int fourth = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
  CHECK_ERROR(connect(fourth, (struct sockaddr *)&address, length), EAGAIN);
  close(fourth);
  // Written before it is accepted.
  CHECK_EQUAL(write(second, "early", 5), 5);
  struct pollfd fd = {listener, POLLIN, 0};
  CHECK_EQUAL(poll(&fd, 1, 0), 1);
  size = sizeof found;
  int accepted = accept4(listener, (struct sockaddr *)&found, &size, SOCK_CLOEXEC);
  REQUIRE(accepted >= 0);
  CHECK_EQUAL(size, 2);
  size = sizeof found;
  CHECK_EQUAL(getpeername(second, (struct sockaddr *)&found, &size), 0);
  CHECK_EQUAL(size, length);
  CHECK(memcmp(&found, &address, length) == 0);
  size = sizeof found;
  CHECK_EQUAL(getsockname(accepted, (struct sockaddr *)&found, &size), 0);
  CHECK_EQUAL(size, length);
  CHECK_EQUAL(read(accepted, other, 100), 5);
  CHECK_EQUAL(write(accepted, "answer", 6), 6);
  CHECK_EQUAL(read(second, other, 100), 6);
  close(second);
  CHECK_EQUAL(read(accepted, other, 100), 0);
  close(accepted);
  close(listener);
  // What was not accepted is reset.
  CHECK_ERROR(read(third, other, 1), ECONNRESET);
  close(third);
}

static void names_in_the_file_system(void) {
  struct sockaddr_un address = {AF_UNIX, "/tmp/sockets-test"}, found;
  socklen_t size;
  mkdir("/tmp", 0777);
  unlink(address.sun_path);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_ERROR(connect(client, (struct sockaddr *)&address, sizeof address), ENOENT);
  CHECK_EQUAL(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
  struct stat status;
  CHECK_EQUAL(stat(address.sun_path, &status), 0);
  CHECK(S_ISSOCK(status.st_mode));
  CHECK_ERROR(bind(client, (struct sockaddr *)&address, sizeof address), EADDRINUSE);
  CHECK_ERROR(open(address.sun_path, O_RDWR), ENXIO);
  CHECK_ERROR(connect(client, (struct sockaddr *)&address, sizeof address), ECONNREFUSED);
  CHECK_EQUAL(listen(listener, 5), 0);
  CHECK_EQUAL(connect(client, (struct sockaddr *)&address, sizeof address), 0);
  size = sizeof found;
  CHECK_EQUAL(getpeername(client, (struct sockaddr *)&found, &size), 0);
  CHECK_EQUAL(size, offsetof(struct sockaddr_un, sun_path) + strlen(address.sun_path) + 1);
  CHECK_TEXT(found.sun_path, address.sun_path);
  int accepted = accept(listener, NULL, NULL);
  CHECK_EQUAL(write(accepted, "named", 5), 5);
  CHECK_EQUAL(read(client, other, 10), 5);
  close(accepted);
  close(client);
  close(listener);
  // The file stays, and leads nowhere.
  client = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_ERROR(connect(client, (struct sockaddr *)&address, sizeof address), ECONNREFUSED);
  CHECK_EQUAL(unlink(address.sun_path), 0);
  close(client);
}

static void many_clients(void) {
  enum { clients = 6, turns = 100 };
  struct sockaddr_un address;
  socklen_t length = abstract_name(&address, "server");
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 2) == 0);
  pid_t children[clients];
  for (int client = 0; client < clients; client++) {
    children[client] = fork();
    if (children[client] == 0) {
      for (int turn = 0; turn < turns; turn++) {
        int end = socket(AF_UNIX, SOCK_STREAM, 0), answer = 0;
        if (connect(end, (struct sockaddr *)&address, length) != 0) _exit(1);
        if (write(end, &turn, sizeof turn) != sizeof turn) _exit(2);
        if (recv(end, &answer, sizeof answer, MSG_WAITALL) != sizeof answer || answer != turn + 1) _exit(3);
        close(end);
      }
      _exit(0);
    }
  }
  for (int served = 0; served < clients * turns; served++) {
    int end = accept(listener, NULL, NULL), question = 0;
    if (end < 0 || recv(end, &question, sizeof question, MSG_WAITALL) != sizeof question) {
      CHECK(!"served");
      break;
    }
    question++;
    write(end, &question, sizeof question);
    close(end);
  }
  for (int client = 0; client < clients; client++) CHECK_EQUAL(exit_of(children[client]), 0);
  close(listener);
}

static void streaming(void) {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  const long length = 4000000;
  pid_t child = fork();
  if (child == 0) {
    close(pair[0]);
    for (long done = 0; done < length;) {
      long portion = length - done < 77777 ? length - done : 77777;
      for (long i = 0; i < portion; i++) bytes[i] = (char)((done + i) * 11 >> 4);
      if (write(pair[1], bytes, portion) != portion) _exit(1);
      done += portion;
    }
    _exit(0);
  }
  close(pair[1]);
  long done = 0, wrong = 0, got;
  while ((got = read(pair[0], other, 50001)) > 0) {
    for (long i = 0; i < got; i++) wrong += other[i] != (char)((done + i) * 11 >> 4);
    done += got;
  }
  CHECK_EQUAL(done, length);
  CHECK_EQUAL(wrong, 0);
  CHECK_EQUAL(exit_of(child), 0);
  close(pair[0]);
}

static void datagrams(void) {
  struct sockaddr_un server_name, client_name, found;
  socklen_t server_length = abstract_name(&server_name, "server"), size;
  socklen_t client_length = abstract_name(&client_name, "client");
  int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  CHECK_EQUAL(bind(server, (struct sockaddr *)&server_name, server_length), 0);
  CHECK_ERROR(send(client, "x", 1, 0), ENOTCONN);
  CHECK_EQUAL(sendto(client, "anonymous", 9, 0, (struct sockaddr *)&server_name, server_length), 9);
  size = sizeof found;
  CHECK_EQUAL(recvfrom(server, other, 100, 0, (struct sockaddr *)&found, &size), 9);
  CHECK_EQUAL(size, 0);
  CHECK_EQUAL(bind(client, (struct sockaddr *)&client_name, client_length), 0);
  CHECK_EQUAL(connect(client, (struct sockaddr *)&server_name, server_length), 0);
  CHECK_EQUAL(send(client, "named", 5, 0), 5);
  size = sizeof found;
  CHECK_EQUAL(recvfrom(server, other, 100, 0, (struct sockaddr *)&found, &size), 5);
  CHECK_EQUAL(size, client_length);
  CHECK(memcmp(&found, &client_name, client_length) == 0);
  CHECK_EQUAL(sendto(server, "reply", 5, 0, (struct sockaddr *)&found, size), 5);
  CHECK_EQUAL(recv(client, other, 100, 0), 5);
  // The receiver's queue is bounded.
  int sent = 0;
  while (sent < 1000 && send(client, "x", 1, 0) == 1) sent++;
  CHECK(errno == EAGAIN);
  CHECK(sent >= 10 && sent < 1000);
  for (int i = 0; i < sent; i++) CHECK_EQUAL(recv(server, other, 10, MSG_DONTWAIT), 1);
  close(server);
  CHECK_ERROR(send(client, "x", 1, 0), ECONNREFUSED);
  close(client);
}

static int send_files(int end, const char *text, int count, const int *files) {
  char control[CMSG_SPACE(16 * sizeof(int))] __attribute__((aligned(8))) = {0};
  struct iovec piece = {(void *)text, strlen(text)};
  struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
    .msg_controllen = CMSG_SPACE(count * sizeof(int))};
  struct cmsghdr *message = CMSG_FIRSTHDR(&header);
  message->cmsg_level = SOL_SOCKET;
  message->cmsg_type = SCM_RIGHTS;
  message->cmsg_len = CMSG_LEN(count * sizeof(int));
  memcpy(CMSG_DATA(message), files, count * sizeof(int));
  return sendmsg(end, &header, 0);
}

static int receive_files(int end, int room, int *files, int *flags) {
  char control[CMSG_SPACE(16 * sizeof(int))] __attribute__((aligned(8)));
  struct iovec piece = {other, 100};
  struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
    .msg_controllen = room ? CMSG_SPACE(room * sizeof(int)) : 0};
  if (recvmsg(end, &header, MSG_CMSG_CLOEXEC) < 0) return -1;
  *flags = header.msg_flags;
  struct cmsghdr *message = CMSG_FIRSTHDR(&header);
  if (!message) return 0;
  int count = (message->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  memcpy(files, CMSG_DATA(message), count * sizeof(int));
  return count;
}

static void descriptors(void) {
  int pair[2], ends[2], got[16], flags = 0;
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(ends) == 0);
  CHECK_EQUAL(send_files(pair[0], "take", 2, ends), 4);
  close(ends[0]);
  close(ends[1]);
  CHECK_EQUAL(receive_files(pair[1], 2, got, &flags), 2);
  CHECK_EQUAL(write(got[1], "through", 7), 7);
  CHECK_EQUAL(read(got[0], other, 100), 7);
  close(got[0]);
  close(got[1]);
  int bad = 999;
  CHECK_ERROR(send_files(pair[0], "bad", 1, &bad), EBADF);
  // Those for which there is no room are closed: the pipe ends.
  REQUIRE(pipe(ends) == 0);
  CHECK_EQUAL(send_files(pair[0], "lost", 1, &ends[1]), 4);
  close(ends[1]);
  CHECK_EQUAL(receive_files(pair[1], 0, got, &flags), 0);
  CHECK(flags & MSG_CTRUNC);
  CHECK_EQUAL(read(ends[0], other, 1), 0);
  close(ends[0]);
  // A message that is never read lets go of what it carries.
  REQUIRE(pipe(ends) == 0);
  CHECK_EQUAL(send_files(pair[0], "x", 1, &ends[1]), 1);
  close(ends[1]);
  close(pair[0]);
  close(pair[1]);
  CHECK_EQUAL(read(ends[0], other, 1), 0);
  close(ends[0]);
  // Sockets in each other, deeper than any stack, and in themselves.
  int outer[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, outer) == 0);
  for (int depth = 0; depth < 2000; depth++) {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    if (send_files(pair[0], "in", 2, outer) != 2) {
      CHECK(errno == ETOOMANYREFS);
      close(pair[0]);
      close(pair[1]);
      break;
    }
    close(outer[0]);
    close(outer[1]);
    outer[0] = pair[0];
    outer[1] = pair[1];
  }
  close(outer[0]);
  close(outer[1]);
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  send_files(pair[0], "self", 2, pair);
  close(pair[0]);
  close(pair[1]);
}

// Where the memory for what comes along is not there, the bytes come all the same, and no descriptor is left behind.
static void no_place_for_descriptors(void) {
  int pair[2], files[2] = {0, 0}, on = 0;
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED && mprotect(memory + 4096, 4096, PROT_NONE) == 0);
  for (int kind = 0; kind < 5; kind++, on = kind >= 3) {
    CHECK_EQUAL(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    CHECK_EQUAL(send_files(pair[0], "x", 2, files), 1);
    int lowest = dup(0);
    close(lowest);
    // Nothing, a header, or a header and one of the two descriptors.
    char *control = kind % 3 == 0 ? memory + 4096 : kind % 3 == 1 ? memory + 4096 - 16 : memory + 4096 - 20;
    struct iovec piece = {other, 1};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 64};
    CHECK_EQUAL(recvmsg(pair[1], &header, MSG_DONTWAIT), 1);
    CHECK_EQUAL(header.msg_flags, MSG_CTRUNC);
    CHECK_EQUAL(header.msg_controllen, kind == 2 ? 24 : 0);
    if (kind == 2) {
      CHECK_EQUAL(*(int *)(control + 16), lowest);
      CHECK_EQUAL(close(lowest), 0);
    }
    int next = dup(0);
    CHECK_EQUAL(next, lowest);
    close(next);
  }
  munmap(memory, 8192);
  close(pair[0]), close(pair[1]);
}

// Where a socket is not connected, and a file that is to go along is none.
static void what_is_looked_at_first(void) {
  int none = -1, stream = socket(AF_UNIX, SOCK_STREAM, 0), packets = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  CHECK_ERROR(send_files(stream, "x", 1, &none), EBADF);
  CHECK_ERROR(send_files(packets, "x", 1, &none), ENOTCONN);
  close(stream), close(packets);
}

static int claim(int end, pid_t process, uid_t user, gid_t group) {
  struct ucred claimed = {process, user, group};
  char control[CMSG_SPACE(sizeof claimed)] __attribute__((aligned(8))) = {0};
  struct iovec piece = {"x", 1};
  struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *message = CMSG_FIRSTHDR(&header);
  *message = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof claimed), .cmsg_level = SOL_SOCKET,
    .cmsg_type = SCM_CREDENTIALS};
  memcpy(CMSG_DATA(message), &claimed, sizeof claimed);
  return sendmsg(end, &header, 0);
}

static void keep_capabilities(unsigned kept) {
  unsigned header[2] = {0x20080522, 0}, sets[6] = {kept, kept, 0, 0, 0, 0};
  if (syscall(SYS_capset, header, sets) != 0) _exit(99);
}

// Who may say that he is somebody else: it is a matter of capabilities, not of being root.
static void claimed_credentials(void) {
  if (geteuid() != 0) return;
  enum { SET_GROUP = 1 << 6, SET_USER = 1 << 7, ADMINISTRATION = 1 << 21 };
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK_EQUAL(claim(pair[0], 1, 5, 5), 1);
  CHECK_ERROR(claim(pair[0], 0x7FFFFFF, 5, 5), ESRCH);
  pid_t child = fork();
  if (child == 0) {
    keep_capabilities(0);
    CHECK_EQUAL(claim(pair[0], getpid(), 0, 0), 1);
    CHECK_ERROR(claim(pair[0], 1, 0, 0), EPERM);
    CHECK_ERROR(claim(pair[0], getpid(), 5, 0), EPERM);
    CHECK_ERROR(claim(pair[0], getpid(), 0, 5), EPERM);
    _exit(finish());
  }
  CHECK_EQUAL(exit_of(child), 0);
  child = fork();
  if (child == 0) {
    if (prctl(PR_SET_KEEPCAPS, 1) || syscall(SYS_setresgid, 7, 7, 7) || syscall(SYS_setresuid, 7, 7, 7)) _exit(98);
    keep_capabilities(SET_GROUP | SET_USER | ADMINISTRATION);
    CHECK_EQUAL(claim(pair[0], 1, 5, 5), 1);
    keep_capabilities(SET_USER);
    CHECK_EQUAL(claim(pair[0], getpid(), 5, 7), 1);
    CHECK_ERROR(claim(pair[0], getpid(), 7, 5), EPERM);
    CHECK_ERROR(claim(pair[0], 1, 7, 7), EPERM);
    _exit(finish());
  }
  CHECK_EQUAL(exit_of(child), 0);
  close(pair[0]), close(pair[1]);
}

static void credentials(void) {
  int pair[2], on = 1;
  REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
  CHECK_EQUAL(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
  CHECK_EQUAL(send(pair[0], "who", 3, 0), 3);
  char control[CMSG_SPACE(sizeof(struct ucred))] __attribute__((aligned(8)));
  struct iovec piece = {other, 100};
  struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
    .msg_controllen = sizeof control};
  CHECK_EQUAL(recvmsg(pair[1], &header, 0), 3);
  struct cmsghdr *message = CMSG_FIRSTHDR(&header);
  REQUIRE(message != NULL);
  CHECK_EQUAL(message->cmsg_level, SOL_SOCKET);
  CHECK_EQUAL(message->cmsg_type, SCM_CREDENTIALS);
  struct ucred sender;
  memcpy(&sender, CMSG_DATA(message), sizeof sender);
  CHECK_EQUAL(sender.pid, getpid());
  CHECK_EQUAL(sender.uid, getuid());
  close(pair[0]);
  close(pair[1]);
}

static void several_at_once(void) {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
  struct iovec out[3] = {{"one", 3}, {"two!", 4}, {"three", 5}};
  struct mmsghdr messages[3] = {0};
  for (int i = 0; i < 3; i++) {
    messages[i].msg_hdr.msg_iov = &out[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  CHECK_EQUAL(sendmmsg(pair[0], messages, 3, 0), 3);
  CHECK_EQUAL(messages[1].msg_len, 4);
  struct iovec in[4];
  struct mmsghdr arrived[4] = {0};
  for (int i = 0; i < 4; i++) {
    in[i] = (struct iovec){other + i * 100, 100};
    arrived[i].msg_hdr.msg_iov = &in[i];
    arrived[i].msg_hdr.msg_iovlen = 1;
  }
  CHECK_EQUAL(recvmmsg(pair[1], arrived, 4, MSG_WAITFORONE, NULL), 3);
  CHECK_EQUAL(arrived[2].msg_len, 5);
  CHECK(memcmp(other + 200, "three", 5) == 0);
  close(pair[0]);
  close(pair[1]);
}

static void *exchange(void *argument) {
  int end = *(int *)argument;
  for (int i = 0; i < 2000; i++) {
    char byte = i;
    if (write(end, &byte, 1) != 1) break;
  }
  return NULL;
}

static void threads_on_one_socket(void) {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) REQUIRE(pthread_create(&threads[i], NULL, exchange, &pair[0]) == 0);
  long total = 0;
  while (total < 6000) {
    ssize_t got = read(pair[1], other, 7);
    if (got <= 0) break;
    total += got;
  }
  CHECK_EQUAL(total, 6000);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  close(pair[0]);
  close(pair[1]);
}

// What is left of a conversation whose other side has gone, and what is asked about one that goes on.
static void left_behind(void) {
  int pair[2], value = -1;
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) == 0);
  CHECK_EQUAL(write(pair[0], "one", 3), 3);
  CHECK_EQUAL(write(pair[0], "three", 5), 5);
  CHECK_EQUAL(ioctl(pair[1], FIONREAD, &value), 0);
  CHECK_EQUAL(value, 8);
  struct iovec part = {other, 100};
  struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
  CHECK_EQUAL(recvmsg(pair[1], &header, 0), 3);
  CHECK_EQUAL(header.msg_flags, 0);
  CHECK_EQUAL(write(pair[1], "lost", 4), 4);
  close(pair[0]);
  struct sockaddr_un name;
  socklen_t length = sizeof name;
  CHECK_EQUAL(getpeername(pair[1], (struct sockaddr *)&name, &length), 0);
  CHECK_EQUAL(length, 2);
  CHECK_ERROR(send(pair[1], "x", 1, MSG_NOSIGNAL), ECONNRESET);
  CHECK_ERROR(send(pair[1], "x", 1, MSG_NOSIGNAL), EPIPE);
  close(pair[1]);

  // A stream that cannot be written leaves the reason to who reads.
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
  CHECK_ERROR(recv(pair[1], other, 0, 0), EAGAIN);
  CHECK_EQUAL(write(pair[1], "lost", 4), 4);
  close(pair[0]);
  CHECK_ERROR(send(pair[1], "x", 1, MSG_NOSIGNAL), EPIPE);
  CHECK_ERROR(recv(pair[1], other, 1, 0), ECONNRESET);
  CHECK_EQUAL(recv(pair[1], other, 1, 0), 0);
  close(pair[1]);

  // What was written before a message with descriptors is read with it, what comes after it is not.
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK_EQUAL(write(pair[0], "ab", 2), 2);
  CHECK_EQUAL(send_files(pair[0], "cd", 2, pair), 2);
  CHECK_EQUAL(write(pair[0], "ef", 2), 2);
  CHECK_EQUAL(recv(pair[1], other, 100, 0), 4);
  CHECK_EQUAL(recv(pair[1], other, 100, 0), 2);
  close(pair[0]);
  close(pair[1]);

  // Messages are read after the error that their sender's end was, bytes of a stream before it.
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
  CHECK_EQUAL(write(pair[0], "last", 4), 4);
  CHECK_EQUAL(write(pair[1], "lost", 4), 4);
  close(pair[0]);
  CHECK_ERROR(recv(pair[1], other, 100, 0), ECONNRESET);
  CHECK_EQUAL(recv(pair[1], other, 100, 0), 4);
  CHECK_EQUAL(recv(pair[1], other, 100, 0), 0);
  close(pair[1]);

  // A datagram socket that talks to one other does not listen to a third, and has no end of file to poll for.
  REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0);
  int third = socket(AF_UNIX, SOCK_DGRAM, 0);
  name = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "\0left-behind"};
  CHECK_EQUAL(bind(pair[0], (struct sockaddr *)&name, 14), 0);
  CHECK_ERROR(connect(third, (struct sockaddr *)&name, 14), EPERM);
  CHECK_EQUAL(shutdown(pair[0], SHUT_RD), 0);
  CHECK_ERROR(recv(pair[0], other, 1, 0), EAGAIN);
  // Such names are each type's own.
  int stream = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK_ERROR(connect(stream, (struct sockaddr *)&name, 14), ECONNREFUSED);
  CHECK_EQUAL(bind(stream, (struct sockaddr *)&name, 14), 0);
  close(stream);
  close(third);
  close(pair[0]);
  close(pair[1]);
}

int main(void) {
  making();
  pairs(SOCK_STREAM);
  pairs(SOCK_DGRAM);
  pairs(SOCK_SEQPACKET);
  records(SOCK_DGRAM);
  records(SOCK_SEQPACKET);
  shutting_down();
  connections(SOCK_STREAM);
  connections(SOCK_SEQPACKET);
  names_in_the_file_system();
  many_clients();
  streaming();
  datagrams();
  descriptors();
  no_place_for_descriptors();
  what_is_looked_at_first();
  credentials();
  claimed_credentials();
  several_at_once();
  threads_on_one_socket();
  left_behind();
  return finish();
}
