// How a transition ended: both ends stop an n-step window, and only termination stops the bootstrap. The twin is in
// src/shared/transition.rs.

const GOES_ON = 0u;
const TERMINATED = 1u;
const TRUNCATED = 2u;
