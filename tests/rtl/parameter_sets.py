"""Parameter sets of every module: legal ones beside the defaults, illegal ones with the sentence that refuses
them.
"""

from __future__ import annotations

from collections.abc import Mapping

Parameters = Mapping[str, int | str]

LEGAL: Mapping[str, tuple[Parameters, ...]] = {
    "address_walk": (
        {"BOUND_0": 1},
        {"BOUND_0": 3, "BOUND_1": 5, "TABLES": 1, "HOLD": 1},
        {"BOUND_1": 2, "BOUND_2": 2, "BOUND_3": 3, "BOUND_4": 2, "BOUND_5": 9, "TABLES": 32, "ROM_STYLE": "block"},
    ),
    "adder_tree": (
        {"COUNT": 1, "WIDTH": 3, "SUM_BITS": 3},
        {"COUNT": 5, "WIDTH": 1, "SUM_BITS": 3},
        {"COUNT": 27, "WIDTH": 6, "IS_SIGNED": 1, "SUM_BITS": 11},
        {"COUNT": 6, "WIDTH": 5, "WEIGHTED": 1, "LAST_NEGATIVE": 1, "SUM_BITS": 11},
    ),
    "argmax": (
        {"ELEMENTS": 1, "LANES": 1},
        {"ELEMENTS": 10, "LANES": 1, "INPUT_SIGNED": 0},
        {"ELEMENTS": 12, "LANES": 4, "SELECT_LAST": 1},
        {"ELEMENTS": 10, "LANES": 10, "OFFSETS": 1, "KEY_BITS": 12, "SHIFT": 2},
    ),
    "axis_filter": (
        {"PERIOD": 1, "USED": 4},
        {"SIZE": 1, "USED": 1, "PERIOD": 3, "SPAN": 2, "PADDING": 1},
        {"SIZE": 9, "USED": 8, "PERIOD": 4, "SPAN": 3, "PADDING": 2},
    ),
    "axis_table": ({"DEPTH": 1}, {"WIDTH": 1, "DEPTH": 64, "START": 1}),
    "border_affine": (
        {"PE": 1, "FOLDS": 1, "ROWS": 1, "COLUMNS": 1, "CLASSES": 1, "FACTOR_DEPTH": 1, "CONSTANT_DEPTH": 1},
        {"INPUT_SIGNED": 1, "FACTOR_DEPTH": 1, "FACTOR": 3, "OUTPUT_BITS": 9, "RAM_STYLE": "block"},
        {"CONSTANT_DEPTH": 1, "CONSTANT_BITS": 1},
    ),
    "delay_line": ({"WIDTH": 1, "DEPTH": 0}, {"DEPTH": 1}, {"DEPTH": 29, "RAM_STYLE": "srl"}, {"DEPTH": 2}),
    "dot_product_planes": (
        {"SIMD": 1, "INPUT_BITS": 1, "WEIGHT_BITS": 1, "WEIGHT_SIGNED": 0, "SUM_BITS": 1},
        {"SIMD": 70, "INPUT_BITS": 1, "WEIGHT_BITS": 1, "WEIGHT_SIGNED": 0, "BIPOLAR": 1, "SUM_BITS": 7},
        {"SIMD": 6, "INPUT_BITS": 3, "INPUT_SIGNED": 1, "WEIGHT_BITS": 1, "WEIGHT_SIGNED": 0, "BIPOLAR": 1},
        {"SIMD": 20, "INPUT_BITS": 3, "INPUT_SIGNED": 1, "WEIGHT_BITS": 5, "SUM_BITS": 12},
    ),
    "dot_product_products": (
        {"SIMD": 1, "WEIGHT_BITS": 1, "WEIGHT_SIGNED": 0, "SUM_BITS": 4},
        {"SIMD": 7, "INPUT_BITS": 3, "WEIGHT_BITS": 1, "WEIGHT_SIGNED": 0, "BIPOLAR": 1, "SUM_BITS": 6},
        {"SIMD": 3, "INPUT_BITS": 3, "INPUT_SIGNED": 1, "WEIGHT_BITS": 2, "SUM_BITS": 10},
        {"SIMD": 3, "INPUT_BITS": 3, "WEIGHT_BITS": 8, "SUM_BITS": 10},
        {"SIMD": 3, "INPUT_BITS": 8, "INPUT_SIGNED": 1, "WEIGHT_BITS": 8, "SUM_BITS": 18, "USE_DSP": 1},
    ),
    "fifo": (
        {"WIDTH": 1, "DEPTH": 2},
        {"WIDTH": 5, "DEPTH": 34, "RAM_STYLE": "srl"},
        {"WIDTH": 5, "DEPTH": 3, "RAM_STYLE": "srl", "FAST_MODEL": 0},
        {"WIDTH": 5, "DEPTH": 34, "RAM_STYLE": "srl", "FAST_MODEL": 0},
        {"WIDTH": 1, "DEPTH": 3, "RAM_STYLE": "distributed"},
        {"WIDTH": 36, "DEPTH": 1000, "RAM_STYLE": "block"},
        {"WIDTH": 72, "DEPTH": 4097, "RAM_STYLE": "ultra"},
    ),
    "frame_marker": ({"BEATS": 10}, {"WIDTH": 1, "BEATS": 16}),
    "input_buffer": ({"DEPTH": 1}, {"WIDTH": 36, "DEPTH": 512, "RAM_STYLE": "block"}),
    "logic_rom": ({"DEPTH": 2}, {"LANES": 3, "LANE": 2, "WIDTH": 1}),
    "lookup_table": (
        {"PE": 1, "LANES": 1, "FOLDS": 3},
        {"PE": 4, "LANES": 1, "INPUT_BITS": 8, "ADDRESS_BITS": 6, "OUTPUT_BITS": 1},
        {"PE": 4, "LANES": 4, "FOLDS": 2, "RAM_STYLE": "block"},
    ),
    "matrix_matrix_unit": (
        {"TRANSPOSED": 0, "LANES": 3, "A_SIGNED": 1, "A_TERM": 3, "LEFT_BITS": 5, "LEFT_SIGNED": 1, "USE_DSP": 1},
        {"ROWS": 1, "MIDDLE": 1, "INNER": 1, "LANES": 1},
        {"ROWS": 5, "INNER": 70, "LANES": 8, "RAM_STYLE": "block", "OUTPUT_BITS": 18},
        {"TRANSPOSED": 0, "INNER": 1, "ROWS": 2, "B_FACTOR": 2, "B_TERM": -1, "RIGHT_BITS": 6, "RIGHT_SIGNED": 1},
    ),
    "matrix_sequence": (
        {"SEGMENTS": 1, "PLACES": 1, "ROW_VECTORS": 1, "FRAME_ROWS": 1},
        {"SEGMENTS": 3, "PLACES": 4, "ROW_VECTORS": 9, "FRAME_ROWS": 7, "WIDTH": 1},
    ),
    "matrix_vector_unit": (
        {"ROWS": 1, "COLUMNS": 1, "PE": 1, "SIMD": 1},
        {"PE": 4, "SIMD": 8, "INITIAL_DEPTH": 1},
        {"PE": 4, "SIMD": 2},
        {"PE": 1, "SIMD": 1, "INPUT_SIGNED": 1, "INITIAL_DEPTH": 4, "RAM_STYLE": "block"},
        {"INPUT_BITS": 1, "WEIGHT_BITS": 1, "WEIGHT_SIGNED": 0, "BIPOLAR": 1, "PLANES": 1, "ACCUMULATOR_BITS": 4},
        {"USE_DSP": 1},
        {"MATRICES": 3, "INITIAL_DEPTH": 6},
        {"MATRICES": 4, "SEGMENTS": 2, "TABLE": 1, "DEPTH": 18, "WIDEST": 16, "ROW_VECTORS": 5, "FRAME_ROWS": 3},
        {"PE": 4, "MATRICES": 4, "SEGMENTS": 2, "TABLE": 1, "INITIAL_DEPTH": 4, "ROW_VECTORS": 5, "FRAME_ROWS": 3},
    ),
    "matrix_walk": (
        {"ROW_FOLDS": 1, "COLUMN_FOLDS": 1, "DEPTH": 1},
        {"ROW_FOLDS": 1, "COLUMN_FOLDS": 3, "DEPTH": 6, "MATRICES": 2},
        {"DEPTH": 12, "MATRICES": 4, "SEGMENTS": 2, "TABLE": 1, "ROW_VECTORS": 3, "FRAME_ROWS": 3},
    ),
    "max_tree": ({"COUNT": 1}, {"COUNT": 7, "SELECT_LAST": 1}),
    "parallel_vector_vector_unit": (
        {"INPUT_BITS": 1, "WEIGHT_BITS": 2, "PLANES": 1},
        {"CHANNELS": 1, "POSITIONS": 1, "ALL_ONES": 1, "WEIGHT_BITS": 1, "WEIGHT_SIGNED": 0},
        {"INPUT_BITS": 8, "INPUT_SIGNED": 1, "WEIGHT_BITS": 8, "USE_DSP": 1, "ACCUMULATOR_BITS": 20},
    ),
    "parallel_window_maximum": ({"POSITIONS": 2, "INPUT_SIGNED": 1}, {"CHANNELS": 1, "POSITIONS": 9, "INPUT_BITS": 1}),
    "pad_select": (
        {"LANES": 3, "ELEMENT_BITS": 1, "OUTPUT_BITS": 2, "PADDING": -1},
        {"LANES": 2, "OUTPUT_BITS": 9, "IS_SIGNED": 1, "PADDING": 200},
        {"PADDING": 7},
    ),
    "parallel_window": (
        {"BITS": 6, "LANES": 3, "OUTPUT_BITS": 4, "IS_SIGNED": 1, "PADDING": -5, "PAD_LEFT": 1},
        {"BITS": 1, "PAD_TOP": 1, "PAD_LEFT": 1, "PAD_BOTTOM": 1, "PAD_RIGHT": 1, "RAM_STYLE": "srl"},
        {"HEIGHT": 1, "KERNEL_H": 1, "KERNEL_W": 4, "STRIDE_W": 2, "PAD_RIGHT": 2},
        {"WIDTH": 1, "KERNEL_W": 1, "DILATION_H": 2, "PAD_TOP": 4},
        {"WIDTH": 3, "STRIDE_H": 2, "DILATION_H": 2},
        {"KERNEL_H": 1, "KERNEL_W": 1, "STRIDE_H": 2, "STRIDE_W": 3},
        {"KERNEL_H": 2, "KERNEL_W": 2, "STRIDE_H": 4, "STRIDE_W": 4, "PAD_LEFT": 1, "WIDTH": 40, "RAM_STYLE": "block"},
    ),
    "phased_walk": (
        {"FOLDS": 3, "GROUPS": 2, "TAP": 6, "ROW": 30, "FIRST_MOVE": 0},
        {"OUT_H": 1, "OUT_W": 1, "TAP_BITS": 1, "ORIGIN": 250, "BEGINS": 1, "FIRST_MOVE": 6, "SECOND": 19},
    ),
    "phased_window": (
        {"BITS": 1, "FOLDS": 3, "GROUPS": 2, "TAP": 6, "ROW": 30, "WORDS": 40, "RAM_STYLE": "block"},
        {"OUT_H": 1, "OUT_W": 1, "TAP_BITS": 1, "ORIGIN": 250, "BEGINS": 1, "FIRST_MOVE": 6, "WORDS": 2},
        {"BITS": 6, "LANES": 2, "OUTPUT_BITS": 4, "IS_SIGNED": 1, "PADDING": -8},
    ),
    "pixel_filter": ({"FOLDS": 3, "PAD_TOP": 1, "SPAN_H": 2}, {"HEIGHT": 1, "USED_H": 1, "STRIDE_H": 1}),
    "popcount": ({"COUNT": 1}, {"COUNT": 3}, {"COUNT": 4}, {"COUNT": 19}),
    "processing_element": (
        {"SIMD": 1},
        {"ACCUMULATE": 0, "INPUT_SIGNED": 1},
        {"BIPOLAR": 1, "WEIGHT_BITS": 1, "WEIGHT_SIGNED": 0, "PLANES": 1, "INPUT_BITS": 1, "ACCUMULATOR_BITS": 3},
    ),
    "reorder": (
        {"BLOCK": 1, "BOUND_0": 1, "OUTPUT_BITS": 1, "DEPTH": 2},
        {"LANES": 3, "BLOCK": 6, "BOUND_0": 2, "BOUND_1": 3, "TABLES": 2, "FIRST": 2, "RELEASED": 1, "HOLD": 1},
        {"BLOCK": 1000, "BOUND_0": 50, "BOUND_1": 20, "DEPTH": 1901, "RAM_STYLE": "block", "OUTPUT_BITS": 7},
    ),
    "requantise": (
        {"PE": 1, "FOLDS": 1, "SHIFT": 0},
        {"HALF_EVEN": 1, "INPUT_SIGNED": 0, "LOW": -128, "HIGH": 127},
        {"SHIFT": 20, "USE_DSP": 1, "RAM_STYLE": "block"},
    ),
    "rom": (
        {"DEPTH": 1},
        {"WIDTH": 36, "DEPTH": 500, "RAM_STYLE": "block"},
        {"LANES": 3, "LANE": 2, "DEPTH": 65, "RAM_STYLE": "distributed"},
    ),
    "simple_dual_port_ram": ({"DEPTH": 2}, {"WIDTH": 36, "DEPTH": 500, "RAM_STYLE": "block"}),
    "skid_buffer": ({"WIDTH": 1}, {"WIDTH": 3000}),
    "sliding_window": (
        {"BITS": 6, "LANES": 3, "OUTPUT_BITS": 4, "IS_SIGNED": 1, "PADDING": -5, "PAD_LEFT": 1},
        {"BITS": 1, "PAD_TOP": 1, "PAD_LEFT": 1, "PAD_BOTTOM": 1, "PAD_RIGHT": 1, "RAM_STYLE": "block"},
        {"HEIGHT": 1, "KERNEL_H": 1, "KERNEL_W": 4, "STRIDE_W": 2, "FOLDS": 5, "DEPTH": 4},
        {"WIDTH": 1, "KERNEL_W": 1, "DILATION_H": 2, "PAD_TOP": 4, "DEPTH": 5},
        {"KERNEL_H": 1, "KERNEL_W": 1, "STRIDE_H": 2, "STRIDE_W": 3, "DEPTH": 2},
        {"HEIGHT": 1, "WIDTH": 1, "PAD_TOP": 1, "PAD_LEFT": 1, "PAD_BOTTOM": 1, "PAD_RIGHT": 1, "DEPTH": 3},
        {"PAD_TOP": 2, "PAD_LEFT": 2, "PAD_BOTTOM": 2, "PAD_RIGHT": 2, "FOLDS": 2},
        {"KERNEL_H": 2, "KERNEL_W": 2, "STRIDE_H": 4, "STRIDE_W": 4, "PAD_LEFT": 1, "DEPTH": 5},
    ),
    "stream_add": (
        {"A": 3, "B": -2, "B_SIGNED": 1, "OUTPUT_BITS": 8},
        {"A": -107, "B": 1048575, "OUTPUT_BITS": 26},
        {"LANES": 1, "A_BITS": 1, "B_BITS": 1, "OUTPUT_BITS": 2},
    ),
    "stream_pad": (
        {"LANES": 1, "ELEMENT_BITS": 1, "OUTPUT_BITS": 2, "PADDING": -1, "PAD_TOP": 0, "PAD_LEFT": 0},
        {"FOLDS": 1, "HEIGHT": 1, "WIDTH": 1, "PAD_BOTTOM": 0, "PAD_RIGHT": 0, "IS_SIGNED": 1, "PADDING": 5},
        {"FOLDS": 1, "HEIGHT": 1, "WIDTH": 1, "PAD_TOP": 0, "PAD_LEFT": 0, "PAD_BOTTOM": 0, "PAD_RIGHT": 0},
    ),
    "stream_concat": (
        {"A_BEATS": 1, "B_BEATS": 1, "A_LANES": 1, "B_LANES": 1, "A_SIGNED": 1, "OUTPUT_BITS": 4},
        {"A_BEATS": 1, "B_BEATS": 1, "A_LANES": 3, "B_BITS": 1, "WHOLE": 1},
    ),
    "stream_fork": ({"WIDTH": 1, "N": 1}, {"WIDTH": 9, "N": 5}),
    "stream_multiply": (
        {"LANES": 1, "A_BITS": 1, "A_FACTOR": 2, "A_TERM": -1, "LEFT_BITS": 2, "LEFT_SIGNED": 1, "OUTPUT_BITS": 6},
        {"B_SIGNED": 1, "B_TERM": 3, "RIGHT_BITS": 5, "RIGHT_SIGNED": 1, "OUTPUT_BITS": 9, "USE_DSP": 1},
    ),
    "stream_repeat": (
        {"BEATS": 1, "LANES": 1, "COPIES": 4},
        {"TIMES": 1},
        {"BITS": 1, "BEATS": 1, "TIMES": 1, "LANES": 1},
        {"LANES": 3, "BEATS": 70, "TIMES": 9},
    ),
    "threshold_count": (
        {"COUNT": 1, "RESULT_BITS": 1},
        {"COUNT": 15, "VALUE_BITS": 5, "THRESHOLD_BITS": 6, "STRICT": 1, "RESULT_BITS": 4},
    ),
    "threshold_search": (
        {"LEVELS": 1},
        {"LEVELS": 8, "FOLDS": 3, "THRESHOLD_BITS": 9, "STRICT": 1, "RAM_STYLE": "block"},
        {"LEVELS": 3, "LANES": 3, "LANE": 2},
    ),
    "thresholding": (
        {"PE": 1, "FOLDS": 4, "COUNT": 1, "OUTPUT_BITS": 1},
        {"PE": 3, "COUNT": 7, "OUTPUT_BITS": 4, "BASE": -4, "SEARCH": 1},
        {"PE": 1, "FOLDS": 5, "COUNT": 15, "OUTPUT_BITS": 4, "SEARCH": 1, "DESCENDING": 1},
        {"INPUT_SIGNED": 0, "THRESHOLD_BITS": 9, "STRICT": 1, "DESCENDING": 1},
    ),
    "vector_vector_unit": (
        {"PE": 1, "FOLDS": 1, "POSITIONS": 1, "INPUT_SIGNED": 1},
        {"PE": 4, "FOLDS": 2, "ALL_ONES": 1, "WEIGHT_BITS": 1, "WEIGHT_SIGNED": 0},
    ),
    "window_maximum": ({"PE": 1, "FOLDS": 1, "POSITIONS": 2, "INPUT_SIGNED": 1}, {"PE": 3, "POSITIONS": 9}),
    "width_converter": (
        {"IN_UNITS": 1, "OUT_UNITS": 2, "WIDTH": 1},
        {"IN_UNITS": 2, "OUT_UNITS": 1, "WIDTH": 1},
        {"IN_UNITS": 7, "OUT_UNITS": 5},
        {"IN_UNITS": 16, "OUT_UNITS": 1, "WIDTH": 49},
        {"IN_UNITS": 1, "OUT_UNITS": 64},
    ),
    "window_raster": (
        {"PAD_TOP": 1, "PAD_LEFT": 1, "OUT_H": 5, "OUT_W": 5},
        {"KERNEL_H": 1, "KERNEL_W": 1, "OUT_H": 5, "OUT_W": 5},
        {"STRIDE_H": 2, "STRIDE_W": 2, "OUT_H": 2, "OUT_W": 2},
    ),
    "window_walk": (
        {"FOLDS": 3, "PAD_TOP": 1, "OUT_H": 4, "OUT_W": 4, "ROW_END": 3, "FINAL_ROW": 3, "FINAL_COLUMN": 3},
        {"KERNEL_H": 1, "KERNEL_W": 1, "OUT_H": 1, "OUT_W": 1, "ROW_END": 0, "FINAL_ROW": 0, "FINAL_COLUMN": 0},
        {"PAD_LEFT": 2, "OUT_W": 7, "ROW_END": 5, "FINAL_COLUMN": 4, "FINAL_ROW": 1},
    ),
}

ILLEGAL: Mapping[str, tuple[tuple[Parameters, str], ...]] = {
    "address_walk": (({"BOUND_3": 0}, "the bounds must be at least 1"), ({"HOLD": 7}, "or 6 for none")),
    "adder_tree": (
        ({"COUNT": 0}, "COUNT and WIDTH must be at least 1"),
        ({"COUNT": 1, "LAST_NEGATIVE": 1}, "a single operand cannot be subtracted"),
    ),
    "argmax": (
        ({"LANES": 3}, "LANES must divide ELEMENTS"),
        ({"KEY_BITS": 9}, "KEY_BITS must be INPUT_BITS where there are no OFFSETS"),
    ),
    "axis_filter": (({"PADDING": 1}, "PADDING less than SPAN"), ({"USED": 6}, "USED 1 to SIZE")),
    "axis_table": (({"START": 4}, "START less than DEPTH"),),
    "border_affine": (
        ({"PE": 0}, "must be at least 1"),
        ({"FACTOR_DEPTH": 3}, "FACTOR_DEPTH must be 1 or CLASSES"),
    ),
    "delay_line": (({"WIDTH": 0}, "WIDTH must be at least 1"),),
    "dot_product_planes": (
        ({"BIPOLAR": 1}, "bipolar weights are one unsigned bit"),
        ({"WEIGHT_BITS": 1}, "signed operands have at least two bits"),
    ),
    "dot_product_products": (({"BIPOLAR": 1}, "bipolar weights are one unsigned bit"),),
    "fifo": (
        ({"WIDTH": 0}, "WIDTH must be at least 1"),
        ({"DEPTH": 1}, "DEPTH must be at least 2"),
        ({"RAM_STYLE": "bloc"}, "RAM_STYLE must be auto, srl, distributed, block or ultra"),
    ),
    "frame_marker": (({"BEATS": 0}, "WIDTH and BEATS must be at least 1"),),
    "input_buffer": (({"DEPTH": 0}, "WIDTH and DEPTH must be at least 1"),),
    "logic_rom": (({"DEPTH": 1}, "DEPTH at least 2"), ({"LANE": 1}, "LANE less than LANES")),
    "lookup_table": (
        ({"LANES": 3}, "LANES must be 1 or PE"),
        ({"ADDRESS_BITS": 5}, "ADDRESS_BITS must be 1 to INPUT_BITS"),
    ),
    "matrix_matrix_unit": (
        ({"ROWS": 0}, "ROWS, MIDDLE, INNER and LANES must be at least 1"),
        ({"LEFT_BITS": 0}, "A_BITS, B_BITS, LEFT_BITS, RIGHT_BITS and OUTPUT_BITS must be at least 1"),
    ),
    "matrix_sequence": (({"PLACES": 0}, "must be at least 1"),),
    "matrix_vector_unit": (
        ({"PE": 3}, "PE must divide ROWS"),
        ({"SIMD": 0}, "SIMD must divide COLUMNS"),
        ({"INITIAL_DEPTH": 3}, "INITIAL_DEPTH must be 0, 1 or ROWS / PE"),
        ({"MATRICES": 3, "SEGMENTS": 2}, "SEGMENTS must divide MATRICES"),
        ({"WIDEST": 16}, "matrices of different sizes need a TABLE"),
    ),
    "matrix_walk": (),
    "max_tree": (({"COUNT": 0}, "COUNT and WIDTH must be at least 1"),),
    "parallel_vector_vector_unit": (({"POSITIONS": 0}, "must be at least 1"),),
    "parallel_window_maximum": (({"POSITIONS": 1}, "POSITIONS at least 2"),),
    "pad_select": (({"OUTPUT_BITS": 7}, "OUTPUT_BITS no less than ELEMENT_BITS"),),
    "parallel_window": (
        ({"BITS": 0}, "must be at least 1"),
        ({"HEIGHT": 2}, "a window must fit into the padded image"),
        ({"PAD_LEFT": 2, "PAD_RIGHT": 1}, "left and right padding together"),
        ({"WIDTH": 2, "PAD_LEFT": 1}, "the image is too narrow"),
    ),
    "phased_walk": (({"FOLDS": 0}, "must be at least 1"), ({"FIRST_MOVE": 7}, "no more than 6")),
    "phased_window": (
        ({"WORDS": 1}, "WORDS at least 2"),
        ({"LANES": 3}, "LANES divides BITS"),
        ({"COUNT_BITS": 5}, "COUNT_BITS must be wide enough"),
    ),
    "pixel_filter": (({"FOLDS": 0}, "FOLDS, HEIGHT and WIDTH must be at least 1"),),
    "popcount": (({"COUNT": 0}, "COUNT must be at least 1"),),
    "processing_element": (({"USE_DSP": 1, "PLANES": 1}, "have no multipliers for USE_DSP"),),
    "reorder": (
        ({"DEPTH": 1}, "DEPTH at least 2"),
        ({"FIRST": 4}, "FIRST must be less than BLOCK"),
        ({"OUTPUT_BITS": 9}, "OUTPUT_BITS must be at most INPUT_BITS"),
    ),
    "requantise": (
        ({"FOLDS": 0}, "must be at least 1"),
        ({"SHIFT": 21}, "SHIFT must be less than SUM_BITS"),
        ({"LOW": 256}, "LOW at most HIGH"),
    ),
    "rom": (({"DEPTH": 0}, "must be at least 1"), ({"LANE": 1}, "LANE less than LANES")),
    "simple_dual_port_ram": (({"DEPTH": 1}, "WIDTH must be at least 1 and DEPTH at least 2"),),
    "skid_buffer": (({"WIDTH": 0}, "WIDTH must be at least 1"),),
    "sliding_window": (
        ({"BITS": 0}, "must be at least 1"),
        ({"HEIGHT": 2}, "a window must fit into the padded image"),
        ({"PAD_LEFT": 3}, "padding must be less than the span of a window"),
        ({"DEPTH": 1}, "the buffer must have at least two words"),
    ),
    "stream_add": (({"LANES": 0}, "LANES, A_BITS, B_BITS and OUTPUT_BITS must be at least 1"),),
    "stream_pad": (({"HEIGHT": 0}, "FOLDS, HEIGHT and WIDTH must be at least 1"),),
    "stream_concat": (
        ({"A_BEATS": 0}, "beats, lanes and bits must be at least 1"),
        ({"OUTPUT_BITS": 3}, "OUTPUT_BITS must be at least"),
        ({"A_LANES": 1}, "else equal lanes"),
    ),
    "stream_fork": (({"WIDTH": 0}, "WIDTH must be at least 1"), ({"N": 0}, "N must be at least 1")),
    "stream_multiply": (
        ({"LANES": 0}, "LANES, A_BITS, B_BITS and OUTPUT_BITS must be at least 1"),
        ({"LEFT_BITS": 0}, "LEFT_BITS and RIGHT_BITS must be at least 1"),
    ),
    "stream_repeat": (({"TIMES": 0}, "BITS, LANES, COPIES, BEATS and TIMES must be at least 1"),),
    "threshold_count": (({"COUNT": 0}, "COUNT must be at least 1"),),
    "threshold_search": (({"LEVELS": 9}, "LEVELS must be 1 to 8"),),
    "thresholding": (
        ({"COUNT": 0}, "PE, FOLDS and COUNT must be at least 1"),
        ({"COUNT": 5, "SEARCH": 1}, "a binary search needs 2**n - 1 thresholds"),
    ),
    "vector_vector_unit": (({"PE": 0}, "must be at least 1"), ({"POSITIONS": 0}, "must be at least 1")),
    "width_converter": (
        ({"WIDTH": 0}, "WIDTH must be at least 1"),
        ({"IN_UNITS": 3}, "IN_UNITS and OUT_UNITS must differ and be at least 1"),
        ({"OUT_UNITS": 0}, "IN_UNITS and OUT_UNITS must differ and be at least 1"),
    ),
    "window_maximum": (({"POSITIONS": 1}, "POSITIONS at least 2"), ({"FOLDS": 0}, "must be at least 1")),
    "window_raster": (({"OUT_W": 6}, "must cover the image"), ({"PAD_TOP": 3}, "padding must be less than a window")),
    "window_walk": (({"RELEASE_ROW": 4}, "RELEASE_ROW must be 1 to KERNEL_H"), ({"ROW_END": 3}, "less than OUT_W")),
}
