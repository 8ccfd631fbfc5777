// Sockets of AF_UNIX: names, queues, messages with descriptors and credentials, ends, and who is told of them.
#include <stddef.h>
#include <sys/un.h>

#define FIRST_SOCKET 10
#define SOCKETS 8
#define SOCKET_POLL 40

static volatile int pipe_signals;
static void note_pipe_signal(int signal) { pipe_signals++; }

static int any_socket(void) {
  int file = FIRST_SOCKET + below(SOCKETS);
  say(" %d", file);
  return file;
}

// To a number of its own, watched by the one epoll from then on.
static void place_socket(long file, int target) {
  if (file < 0) return;
  say(" -> %d", target);
  dup2(file, target);
  close(file);
  static const unsigned kinds[] = {0, EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE, EPOLLET};
  struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | ANY(kinds), {.u64 = target}};
  // With every write that fails Linux tells that there is room again.
  if (event.events & EPOLLET) event.events &= ~EPOLLOUT;
  if (event.events & EPOLLEXCLUSIVE) event.events &= ~EPOLLRDHUP;
  say("/%x", event.events >> 28);
  say_result(CALL(epoll_ctl, SOCKET_POLL, EPOLL_CTL_ADD, target, &event));
}

static void say_sockets(void) {
  if (pipe_signals) { say(" SIGPIPE*%d", pipe_signals); pipe_signals = 0; }
  for (int file = FIRST_SOCKET; file < FIRST_SOCKET + SOCKETS; file++) {
    struct pollfd one = {file, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};
    poll(&one, 1, 0);
    if (one.revents & POLLNVAL) continue;
    int waiting = -1;
    long result = CALL(ioctl, file, FIONREAD, &waiting);
    say(" %d:%x/%ld", file, one.revents, result < 0 ? result : waiting);
  }
  struct epoll_event events[20];
  long count = CALL(epoll_wait, SOCKET_POLL, events, 20, 0);
  say(" epoll %ld", count);
  for (int number = 0; number < 50; number++)
    for (long i = 0; i < count; i++)
      if ((int)events[i].data.u64 == number) say(" %d/%x", number, events[i].events);
}

static socklen_t any_name(struct sockaddr_un *name) {
  static const char *const names[] = {"/a", "/b", "\0abstract", "\0other", "/file"};
  unsigned index = below(COUNT(names));
  memset(name, 0, sizeof *name);
  name->sun_family = AF_UNIX;
  const char *text = names[index];
  size_t length = text[0] ? strlen(text) : 1 + strlen(text + 1);
  memcpy(name->sun_path, text, length);
  say(" %s", text[0] ? text : text + 1);
  if (one_in(40)) { say(" short"); return 2; }
  return offsetof(struct sockaddr_un, sun_path) + length + (text[0] && one_in(2));
}

static void say_name(const struct sockaddr_un *name, socklen_t length) {
  say(" name %u", length);
  // One that the kernel chose.
  if (length == 8 && name->sun_path[0] == 0) return;
  for (socklen_t i = 2; i < length && i < 12; i++) say("%c", name->sun_path[i - 2] ? name->sun_path[i - 2] : '@');
}

static int any_message_flags(void) {
  static const struct word flags[] = {{MSG_PEEK, "PEEK"}, {MSG_TRUNC, "TRUNC"}, {MSG_WAITALL, "WAITALL"},
                                      {MSG_CMSG_CLOEXEC, "CLOEXEC"}};
  return (int)ANY_WORDS(flags, 4) | MSG_DONTWAIT;
}

static unsigned char letter = 'a';

static void socket_step(void) {
  static char bytes[300000];
  static const int sizes[] = {1, 2, 3, 5, 10, 100, 0, 4000, 70000};
  long result;
  int option;
  socklen_t length;
  struct sockaddr_un name;
  switch (below(26)) {
    case 0: {
      static const int types[] = {SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
      int type = ANY(types), files[2] = {-1, -1};
      say("socketpair %d", type);
      result = CALL(socketpair, AF_UNIX, type | SOCK_NONBLOCK, 0, files);
      say_result(result);
      int first = below(SOCKETS), second = (first + 1 + below(SOCKETS - 1)) % SOCKETS;
      if (result == 0) {
        place_socket(files[0] = fcntl(files[0], F_DUPFD, 60), FIRST_SOCKET + first);
        place_socket(files[1] = fcntl(files[1], F_DUPFD, 60), FIRST_SOCKET + second);
        for (int file = 3; file < FIRST_SOCKET; file++) close(file);
      }
      break;
    }
    case 1: case 2: {
      static const int types[] = {SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
      int type = ANY(types);
      say("socket %d", type);
      result = CALL(socket, AF_UNIX, type | SOCK_NONBLOCK, 0);
      say_success(result);
      place_socket(result, FIRST_SOCKET + below(SOCKETS));
      break;
    }
    case 3: {
      say("bind");
      int file = any_socket();
      length = any_name(&name);
      // Whether the name is taken or the socket has one already: which comes first is no matter.
      result = CALL(bind, file, &name, length);
      say(result < 0 ? " fails" : " = 0");
      break;
    }
    case 4: {
      say("listen");
      int file = any_socket(), backlog = below(3);
      say(" %d", backlog);
      say_result(CALL(listen, file, backlog));
      break;
    }
    case 5: case 6: {
      say("connect");
      int file = any_socket();
      length = any_name(&name);
      // Whether it is connected already or nobody listens: which comes first is no matter.
      say(CALL(connect, file, &name, length) < 0 ? " fails" : " = 0");
      break;
    }
    case 7: {
      say("accept4");
      int file = any_socket();
      length = sizeof name;
      result = CALL(accept4, file, &name, &length, SOCK_NONBLOCK);
      say_success(result);
      if (result >= 0) say_name(&name, length);
      place_socket(result, FIRST_SOCKET + below(SOCKETS));
      break;
    }
    case 8: case 9: case 10: case 11: {
      say("write");
      int file = any_socket(), count = ANY(sizes);
      if (count == 0) count = 20;
      memset(bytes, letter, count);
      say(" %c*%d", letter, count);
      letter = letter == 'z' ? 'a' : letter + 1;
      say_result(CALL(sendto, file, bytes, count, MSG_DONTWAIT | (one_in(2) ? MSG_NOSIGNAL : 0), 0, 0));
      break;
    }
    case 12: case 13: case 14: case 15: {
      say("recvfrom");
      int file = any_socket(), count = ANY(sizes);
      int flags = any_message_flags();
      say(" %d", count);
      length = sizeof name;
      memset(bytes, 0, count);
      result = CALL(recvfrom, file, bytes, count, flags, &name, &length);
      say_result(result);
      if (result >= 0) {
        long shown = result < count ? result : count;
        for (long i = 0; i < shown; i++)
          if (i == 0 || bytes[i] != bytes[i - 1]) say(" %ld%c", i, bytes[i]);
        say_name(&name, length);
      }
      break;
    }
    case 16: {
      say("sendto");
      int file = any_socket(), count = ANY(sizes);
      length = any_name(&name);
      memset(bytes, letter, count);
      say(" %c*%d", letter, count);
      letter = letter == 'z' ? 'a' : letter + 1;
      say_result(CALL(sendto, file, bytes, count, MSG_DONTWAIT, &name, length));
      break;
    }
    case 17: {
      say("sendmsg");
      int file = any_socket();
      struct iovec parts[2] = {{bytes, below(4)}, {bytes + 100, 1 + below(4)}};
      memset(bytes, letter, 4);
      memset(bytes + 100, letter + 1, 4);
      letter = letter >= 'y' ? 'a' : letter + 2;
      union { struct cmsghdr header; char room[CMSG_SPACE(3 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))]; } u;
      memset(&u, 0, sizeof u);
      struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = &u, .msg_controllen = sizeof u};
      int descriptors = 1 + below(3);
      struct cmsghdr *header = &u.header;
      size_t used = CMSG_SPACE(descriptors * sizeof(int));
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
      for (int i = 0; i < descriptors; i++) {
        ((int *)CMSG_DATA(header))[i] = FIRST_SOCKET + below(SOCKETS);
        say(" +%d", ((int *)CMSG_DATA(header))[i]);
      }
      if (one_in(3)) {
        header = (struct cmsghdr *)(u.room + used);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_CREDENTIALS;
        header->cmsg_len = CMSG_LEN(sizeof(struct ucred));
        *(struct ucred *)CMSG_DATA(header) = (struct ucred){getpid(), one_in(2) ? 77 : 0, 0};
        used += CMSG_SPACE(sizeof(struct ucred));
        say(" credentials");
      }
      message.msg_controllen = used;
      say(" %zu+%zu", parts[0].iov_len, parts[1].iov_len);
      say_result(CALL(sendmsg, file, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
      break;
    }
    case 18: case 19: {
      say("recvmsg");
      int file = any_socket(), flags = any_message_flags();
      struct iovec parts[2] = {{bytes, below(4)}, {bytes + 100, below(4) * 3}};
      union { struct cmsghdr header; char room[200]; } u;
      static const size_t rooms[] = {200, 200, 0, 16, 20, 24, 40};
      size_t room = ANY(rooms);
      struct msghdr message = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = parts, .msg_iovlen = 2,
                               .msg_control = &u, .msg_controllen = room};
      say(" %zu+%zu control %zu", parts[0].iov_len, parts[1].iov_len, room);
      result = CALL(recvmsg, file, &message, flags);
      say_result(result);
      if (result < 0) break;
      for (long i = 0; i < result && i < (long)(parts[0].iov_len + parts[1].iov_len); i++)
        say(" %c", i < (long)parts[0].iov_len ? bytes[i] : bytes[100 + i - parts[0].iov_len]);
      say(" flags %x control %zu", message.msg_flags, message.msg_controllen);
      for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        say(" %d:%zu", header->cmsg_type, header->cmsg_len);
        if (header->cmsg_type == SCM_RIGHTS) {
          size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
          for (size_t i = 0; i < count; i++) {
            int other = ((int *)CMSG_DATA(header))[i];
            if (i == 0 && one_in(3)) place_socket(other, FIRST_SOCKET + below(SOCKETS)); else close(other);
          }
        } else if (header->cmsg_type == SCM_CREDENTIALS) {
          struct ucred *credentials = (struct ucred *)CMSG_DATA(header);
          say(" %d/%d/%d", credentials->pid == getpid(), credentials->uid, credentials->gid);
        }
      }
      break;
    }
    case 20: {
      say("shutdown");
      int file = any_socket(), how = below(3);
      say(" %d", how);
      say_result(CALL(shutdown, file, how));
      break;
    }
    case 21: {
      say("close");
      say_result(CALL(close, any_socket()));
      break;
    }
    case 22: {
      static const struct word options[] = {
        {SO_PEERCRED, "PEERCRED"}, {SO_ERROR, "ERROR"}, {SO_TYPE, "TYPE"}, {SO_DOMAIN, "DOMAIN"},
        {SO_ACCEPTCONN, "ACCEPTCONN"}, {SO_PASSCRED, "PASSCRED"}, {SO_PROTOCOL, "PROTOCOL"},
        {SO_SNDBUF, "SNDBUF"}, {SO_RCVBUF, "RCVBUF"}, {SO_LINGER, "LINGER"}};
      const struct word *word = &ANY(options);
      int values[8] = {0};
      length = 4 * (1 + below(5));
      say("getsockopt %s %u", word->name, length);
      int file = any_socket();
      result = CALL(getsockopt, file, SOL_SOCKET, word->value, values, &length);
      say_result(result);
      if (result == 0 && word->value == SO_PEERCRED) {
        values[0] = values[0] == getpid() ? 1 : values[0] == 0 ? 0 : 2;
      }
      if (result == 0) { say(" %u", length); for (socklen_t i = 0; i < length / 4; i++) say(" %d", values[i]); }
      break;
    }
    case 23: {
      static const struct word options[] = {
        {SO_PASSCRED, "PASSCRED"}, {SO_PASSCRED, "PASSCRED"}, {SO_SNDBUF, "SNDBUF"}, {SO_RCVBUF, "RCVBUF"},
        {SO_ERROR, "ERROR"}, {SO_TYPE, "TYPE"}};
      const struct word *word = &ANY(options);
      static const int values[] = {0, 1, 1, 1, 5000, 100000, -1};
      option = ANY(values);
      say("setsockopt %s %d", word->name, option);
      int file = any_socket();
      // How much room a buffer's bookkeeping takes is the kernel's affair.
      if (word->value == SO_SNDBUF && option < 5000) option = 200000;
      say_result(CALL(setsockopt, file, SOL_SOCKET, word->value, &option, sizeof option));
      break;
    }
    case 24: {
      int is_peer = one_in(2);
      say(is_peer ? "getpeername" : "getsockname");
      int file = any_socket();
      length = sizeof name;
      memset(&name, 0, sizeof name);
      result = is_peer ? CALL(getpeername, file, &name, &length) : CALL(getsockname, file, &name, &length);
      say_result(result);
      if (result == 0) say_name(&name, length);
      break;
    }
    case 25: {
      struct mmsghdr messages[3];
      struct iovec parts[3];
      memset(messages, 0, sizeof messages);
      int is_sending = one_in(2);
      for (int i = 0; i < 3; i++) {
        parts[i] = (struct iovec){bytes + 10 * i, 1 + below(5)};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        if (is_sending) memset(bytes + 10 * i, letter++, 10);
      }
      if (letter > 'w') letter = 'a';
      say(is_sending ? "sendmmsg" : "recvmmsg");
      int file = any_socket();
      result = is_sending ? CALL(sendmmsg, file, messages, 3, MSG_DONTWAIT | MSG_NOSIGNAL)
                          : CALL(recvmmsg, file, messages, 3, MSG_DONTWAIT, 0);
      say_result(result);
      for (long i = 0; i < result; i++) {
        say(" %u/%x", messages[i].msg_len, messages[i].msg_hdr.msg_flags);
        if (!is_sending) for (unsigned at = 0; at < messages[i].msg_len; at++) say("%c", bytes[10 * i + at]);
      }
      break;
    }
  }
  say_sockets();
}

static void socket_round(void) {
  struct sigaction action = {.sa_handler = note_pipe_signal};
  sigaction(SIGPIPE, &action, NULL);
  int file = open("/file", O_RDWR | O_CREAT, 0600);
  close(file);
  file = epoll_create1(0);
  dup2(file, SOCKET_POLL);
  close(file);
  letter = 'a';
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  for (size_t i = 0; i < COUNT(types); i++) {
    int pair[2];
    if (socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK, 0, pair) != 0) _exit(4);
    place_socket(fcntl(pair[0], F_DUPFD, 60), FIRST_SOCKET + 2 * i);
    place_socket(fcntl(pair[1], F_DUPFD, 60), FIRST_SOCKET + 2 * i + 1);
    close(pair[0]);
    close(pair[1]);
  }
  end_line();
  for (int i = 0; i < STEPS_OF_A_ROUND; i++) {
    STEP(i);
    socket_step();
    end_line();
  }
}
