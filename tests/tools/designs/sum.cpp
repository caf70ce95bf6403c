// Adds the numbers of the command line in the design and prints the total.
#include "sum.hpp"

#include <cstdio>
#include <cstdlib>

#include "Vtop.h"

int main(int argc, char** argv) {
    VerilatedContext context;
    Vtop top{&context};
    top.rst = 1;
    tick(top);
    top.rst = 0;
    top.s_axis_tvalid = 1;
    for (int i = 1; i < argc; ++i) {
        top.s_axis_tdata = std::atoi(argv[i]);
        tick(top);
    }
    std::printf("%u\n", static_cast<unsigned>(top.total));
    top.final();
    return 0;
}
