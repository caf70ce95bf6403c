// One clock cycle of a design.
#pragma once

template <typename Top>
void tick(Top& top) {
    top.clk = 0;
    top.eval();
    top.clk = 1;
    top.eval();
}
