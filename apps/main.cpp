// a2a3sim and a5sim are this program with another default chip.
#include <systemc>

#include "apps/cli.h"

// SystemC's library expects one; our own main() wins over the library's.
int sc_main(int, char**) { return 0; }

int main(int argc, char** argv) { return app::main_with_chip(argc, argv, A2A3SIM_DEFAULT_CHIP); }
