// What the fused kernels share: a perceptron of up to four dense layers, and the tape on which the forward pass leaves
// what the backward pass needs. Tensor 0 is the observation, tensor i the output of layer i - 1, the last one the
// action values.
// A row of the tape holds tensors 0 to layers - 1, a row of its gradient tensors 1 to layers; each tensor starts at a
// multiple of 4 words, filled up with zeros, and all places here count in fours.

struct Params {
    batch: u32,
    agents: u32,
    // evaluations per agent; in the backward kernels those with a gradient
    slots: u32,
    // rows of the tape per agent come from the first tape_slots evaluations
    tape_slots: u32,
    inputs: u32,
    nets: u32,
    net_params: u32,
    // net and input of each slot, 4 bits each
    slot_net: u32,
    slot_x: u32,
    // of the hidden layers: 0 identity, 1 relu, 2 tanh
    activation: u32,
    // dense layers, 1 to 4
    layers: u32,
    width0: u32,
    width1: u32,
    width2: u32,
    width3: u32,
    width4: u32,
    // first weight of each layer
    offset0: u32,
    offset1: u32,
    offset2: u32,
    offset3: u32,
}

// Rows that a workgroup takes through the network, and the same in fours.
const GROUP_ROWS = 32u;
const ROW_QUADS = 8u;

fn width(tensor: u32) -> u32 {
    var widths = array(p.width0, p.width1, p.width2, p.width3, p.width4);
    return widths[tensor];
}

fn layer_offset(layer: u32) -> u32 {
    var offsets = array(p.offset0, p.offset1, p.offset2, p.offset3);
    return offsets[layer];
}

fn fours(count: u32) -> u32 {
    return (count + 3u) / 4u;
}

// Where a tensor starts in a row of the tape; of `layers`, where the row ends.
fn tape_place(tensor: u32) -> u32 {
    var place = 0u;
    for (var i = 0u; i < tensor; i++) {
        place += fours(width(i));
    }
    return place;
}

// The same for the tape's gradient, which has no observation.
fn gradient_place(tensor: u32) -> u32 {
    return tape_place(tensor) - fours(p.width0);
}
