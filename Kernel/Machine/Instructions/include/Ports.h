// Port input and output (Intel SDM volume 2, IN and OUT).
#pragma once
#include <stdint.h>
#include "Inlining.h"

INSTRUCTION void portWrite8(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
INSTRUCTION uint8_t portRead8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}
