// The small static program that `measure` starts: nothing but its start and its end.
int main(void) { return 0; }
