// The optimiser of a group of networks, one record per agent: hyperparameters, constant during a run, then what a step
// changes besides weights and moments. Written from the declaration in src/shared/optimizer.rs when a kernel is
// composed.

// record: Optimizer

// `form`
const ADAM = 0u;
const RADAM = 1u;
const RADAM_OPTAX = 2u;
