// Sockets that are sent to themselves and to each other (SCM_RIGHTS) and closed: they end, and with them what else was
// in the messages. Those that can still be received stay as they are.
// Built with musl too.
#include "check.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/un.h>

static void send_file(int socket, int file) {
  char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec piece = {&byte, 1};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &file, sizeof file);
  CHECK_EQUAL(sendmsg(socket, &message, 0), 1);
}

static int receive_file(int socket) {
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec piece = {&byte, 1};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(socket, &message, MSG_DONTWAIT) != 1 || !CMSG_FIRSTHDR(&message)) return -1;
  int file;
  memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof file);
  return file;
}

// A pipe's writing end that goes along: its end is seen by the reader once all has ended.
static int witness(int *reader) {
  int ends[2];
  REQUIRE(pipe2(ends, O_NONBLOCK) == 0);
  *reader = ends[0];
  return ends[1];
}

static void wait_for_end(int reader) {
  char byte;
  // The search for circles comes with other sockets.
  for (int attempt = 0; attempt < 5000; attempt++) {
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    close(pair[0]);
    close(pair[1]);
    if (read(reader, &byte, 1) == 0) break;
    usleep(2000);
  }
  CHECK_EQUAL(read(reader, &byte, 1), 0);
  close(reader);
}

static void a_pair_in_itself(int type) {
  int pair[2], reader, writer = witness(&reader);
  REQUIRE(socketpair(AF_UNIX, type, 0, pair) == 0);
  send_file(pair[0], pair[1]);
  send_file(pair[0], writer);
  send_file(pair[1], pair[0]);
  close(writer);
  close(pair[0]);
  close(pair[1]);
  wait_for_end(reader);
}

// A long chain of pairs, each in the next, and the last in the first.
static void a_long_circle(void) {
  enum { LENGTH = 200 };
  static int pairs[LENGTH][2];
  int reader, writer = witness(&reader);
  for (int index = 0; index < LENGTH; index++) REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, pairs[index]) == 0);
  for (int index = 0; index < LENGTH; index++) {
    send_file(pairs[index][0], pairs[(index + 1) % LENGTH][0]);
    send_file(pairs[index][0], pairs[(index + 1) % LENGTH][1]);
  }
  send_file(pairs[7][0], writer);
  close(writer);
  for (int index = 0; index < LENGTH; index++) {
    close(pairs[index][0]);
    close(pairs[index][1]);
  }
  wait_for_end(reader);
}

// A connection that was never accepted, of a listener that is in it.
static void a_listener_in_its_connection(void) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  memcpy(name.sun_path, "\0socket-circles", 15);
  int reader, writer = witness(&reader);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(bind(listener, (void *)&name, 2 + 15) == 0 && listen(listener, 5) == 0);
  REQUIRE(connect(client, (void *)&name, 2 + 15) == 0);
  send_file(client, listener);
  send_file(client, client);
  send_file(client, writer);
  close(writer);
  close(client);
  close(listener);
  wait_for_end(reader);
}

// What is held from outside, over two others, is not taken for lost.
static void what_can_be_received_stays(void) {
  int outer[2], middle[2], inner[2], reader, writer = witness(&reader);
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, outer) == 0);
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, middle) == 0);
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, inner) == 0);
  send_file(inner[0], writer);
  send_file(middle[0], inner[1]);
  send_file(middle[0], middle[0]);
  send_file(outer[0], middle[1]);
  close(writer);
  close(middle[0]);
  close(middle[1]);
  close(inner[0]);
  close(inner[1]);
  for (int count = 0; count < 100; count++) close(socket(AF_UNIX, SOCK_STREAM, 0));
  char byte;
  CHECK_ERROR(read(reader, &byte, 1), EAGAIN);
  int got_middle = receive_file(outer[1]);
  CHECK(got_middle >= 0);
  int got_inner = receive_file(got_middle);
  CHECK(got_inner >= 0);
  int got_writer = receive_file(got_inner);
  CHECK(got_writer >= 0);
  CHECK_EQUAL(write(got_writer, "y", 1), 1);
  CHECK_EQUAL(read(reader, &byte, 1), 1);
  close(got_writer);
  close(got_inner);
  close(got_middle);
  close(outer[0]);
  close(outer[1]);
  wait_for_end(reader);
}

int main(void) {
  a_pair_in_itself(SOCK_STREAM);
  a_pair_in_itself(SOCK_DGRAM);
  a_pair_in_itself(SOCK_SEQPACKET);
  a_long_circle();
  a_listener_in_its_connection();
  what_can_be_received_stays();
  return finish();
}
