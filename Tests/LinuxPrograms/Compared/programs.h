// What execve(2) and execveat(2) find: programs, scripts, and words at their limits.
#pragma once
#include "actors.h"

static void write_file(const char *name, const char *text, size_t length, unsigned mode) {
  int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || write(file, text, length) != (ssize_t)length || fchmod(file, mode) != 0) _exit(6);
  close(file);
}

static void copy_program(const char *name, unsigned user, unsigned group, unsigned mode) {
  static char text[65536];
  int from = open("/proc/self/exe", O_RDONLY), to = open(name, O_WRONLY | O_CREAT, 0600);
  ssize_t count;
  while ((count = read(from, text, sizeof text)) > 0) if (write(to, text, count) != count) _exit(6);
  if (fchown(to, user, group) != 0 || fchmod(to, mode) != 0) _exit(6);
  close(from);
  close(to);
}

static const char *const scripts[] = {
  "#!/actor\n", "#! /actor \n", "#!/actor a b c\n", "#!/actor a\t\n", "#!//", "#!\n", "#!/missing\n", "#!/dir\n", "#!   \n",
  "#!/actor", "#!\t/actor\tx", "#!/s/1", "#!/s/11\n", "#!/s/12\n", "#!/s/13\n", "#!/s/14\n", "#!/s/15 y\n", "# !/actor\n",
  "text\n", "", "\x7F""ELF", "#!actor\n", "#!/loop\n", "#!/plain\n", "#!/actor\r\n", " #!/actor\n"};

static void make_programs(void) {
  copy_program("/actor", 0, 0, 0755);
  mkdir("/s", 0755);
  for (size_t i = 0; i < COUNT(scripts); i++) {
    char name[20];
    sprintf(name, "/s/%zu", i);
    write_file(name, scripts[i], strlen(scripts[i]), 0755);
  }
  char text[1000] = "#!/actor ";
  memset(text + 9, 'x', sizeof text - 9);
  write_file("/s/long-word", text, sizeof text, 0755);
  memset(text + 2, 'y', 400);
  write_file("/s/long-name", text, sizeof text, 0755);
  memset(text + 2, ' ', 400);
  write_file("/s/long-space", text, sizeof text, 0755);
  memcpy(text, "#!/actor", 8);
  text[8] = 0;
  write_file("/s/zero", text, 300, 0755);
  memset(text + 8, ' ', 300);
  text[250] = 'a'; text[251] = '\n';
  write_file("/s/word-250", text, 300, 0755);
  text[251] = ' '; text[255] = '\n';
  write_file("/s/end-255", text, 300, 0755);
  text[255] = ' '; text[256] = '\n';
  write_file("/s/end-256", text, 300, 0755);
  write_file("/plain", "#!/actor\n", 9, 0644);
  mkdir("/dir", 0755);
  if (symlink("loop", "/loop") != 0 || symlink("actor", "/link") != 0 || symlink("nowhere", "/dangling") != 0
      || mknod("/fifo", S_IFIFO | 0755, 0) != 0) _exit(6);
  copy_program("/busy", 0, 0, 0755);
  open("/busy", O_WRONLY);
}

// What execveat starts from: a program, a directory, and a script that its interpreter finds closed.
static void open_directories(void) {
  int files[] = {open("/actor", O_RDONLY), open("/", O_RDONLY), open("/s/0", O_RDONLY | O_CLOEXEC)};
  for (int i = 0; i < 3; i++) dup3(files[i], 901 + i, i == 2 ? O_CLOEXEC : 0);
}

static void exec_step(void) {
  static char many[300000];
  int gone = 0, slot = any_idle();
  if (slot == 0) {
    say("clone3");
    new_actor(0, (struct clone_args){.exit_signal = SIGCHLD}, sizeof(struct clone_args));
    settle();
    say(" ");
    slot = any_idle();
    if (slot == 0) return;
  }
  static const char *const names[] = {"/actor", "actor", "/link", "/loop", "/dangling", "/fifo", "/dir", "/dir/", "/plain",
                                      "/missing", "/actor/x", "", "/busy", "/s/long-word", "/s/long-name",
                                      "/s/long-space", "/s/zero", "/s/word-250", "/s/end-255", "/s/end-256", "/dev/null"};
  char *data = OWN_ADDRESS(slot);
  memset(data, 0, sizeof stage->data[slot]);
  char *name = data;
  if (one_in(4)) strcpy(name, "/actor");
  else if (one_in(2)) strcpy(name, ANY(names));
  else sprintf(name, "/s/%u", below(COUNT(scripts)));
  say("execve '%s'", name);
  if (one_in(30)) { memset(name, 'n', 5000); say(" long"); }
  // The words of the program, then of its environment.
  char **words = (char **)(data + 6000), *text = data + 8000;
  int count = below(4), at = 0;
  if (one_in(5)) count = 0;
  for (; at < count; at++) {
    words[at] = text;
    static const char *const values[] = {"", "one", "two words", "-x", "/actor"};
    strcpy(text, ANY(values));
    say(" '%s'", text);
    text += strlen(text) + 1;
  }
  words[at++] = NULL;
  char **environment = words + at;
  int variables = below(3);
  for (int i = 0; i < variables; i++) {
    static const char *const values[] = {"A=b", "novalue", "=x", ""};
    words[at] = text;
    strcpy(text, ANY(values));
    say(" <%s>", text);
    text += strlen(text) + 1;
    at++;
  }
  words[at] = NULL;
  char *path = name;
  // What comes first, the file or the words, changed in a later Linux.
  int is_plain = strcmp(name, "/actor") == 0;
  if (is_plain && one_in(3)) {
    static const long bad[] = {0, 1, 0x7FFFFFFFF000, -1};
    long value = ANY(bad);
    switch (below(4)) {
      case 0: path = (char *)value; say(" path"); break;
      case 1: words = (char **)value; say(" words"); break;
      case 2: environment = (char **)value; say(" environment"); break;
      case 3: if (count > 0) { words[0] = (char *)(value ? value : 1); say(" word"); }
    }
    say(" @%lx", value);
  } else if (is_plain && one_in(3)) {
    // A word at the limit of 32 pages, in memory of both as the actor came of a fork.
    static const size_t sizes[] = {131070, 131071, 131072, 200000};
    size_t size = ANY(sizes);
    memset(many, 'w', size);
    many[size] = 0;
    say(" word of %zu", size);
    if (count > 0) {
      // The actor's own memory is written by process_vm_writev, as it was made before.
      struct iovec from = {many, size + 1}, to = {many, size + 1};
      if (process_vm_writev(stage->process[slot], &from, 1, &to, 1, 0) != (ssize_t)size + 1) say(" unwritten");
      // An executed program has it elsewhere only if it were another program.
      words[0] = many;
    }
  }
  static const unsigned flags[] = {0, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, 0x8000, 1};
  long result;
  if (one_in(4)) {
    unsigned flag = ANY(flags);
    int directory = one_in(3) ? AT_FDCWD : one_in(2) ? -1 : 901 + (int)below(3);
    say(" at %d %x", directory, flag);
    result = ACT(slot, execveat, directory, path, words, environment, flag);
  } else {
    result = ACT(slot, execve, path, words, environment);
  }
  say_outcome(result, gone);
  if (result == 0 && !gone) say("%.3000s", data);
  settle();
  if (gone) {
    int status = 0;
    CALL(wait4, stage->process[slot], &status, __WALL | WNOHANG, NULL);
    say(" status %x", status);
  }
  char state = process_state(stage->process[slot], NULL, NULL, NULL);
  if (state == 0 || state == 'Z') stage->process[slot] = 0;
}
