//! What a pass evaluates: which networks on which inputs, for how many rows.

use crate::kernels::pack_slots;

/// What is evaluated: which nets on which inputs, for how many rows.
///
/// ```
/// use softq::engine::cpu::CpuExecutor;
/// use softq::engine::executor::{Executor, read_as, write_as};
/// use softq::engine::recording::{Buffers, Recording};
/// use softq::kernels::Activation;
/// use softq::nn::{Activations, Network, NetworkSpec, Pass};
///
/// // Networks 0 and 1 on input 0, and network 1 on input 1.
/// let net = Network::new(&NetworkSpec::mlp(2u32, &[], 1, Activation::Relu));
/// let (slot_net, slot_input) = (vec![0, 1, 1], vec![0, 0, 1]);
/// let pass = Pass { agents: 1, batch: 1, nets: 2, slot_net, slot_input, inputs: 2, gradients: 0 };
/// let mut buffers = Buffers::default();
/// let input = buffers.add::<f32>("input", 2 * 2, "");
/// let weights = buffers.add::<f32>("weights", 2 * u64::from(net.params()), "");
/// let activations = Activations::new(&mut buffers, "activation", &net, &pass, input, "");
/// let mut recording = Recording::default();
/// pass.forward(&mut recording, &net, weights, &activations)?;
///
/// let mut executor = CpuExecutor::new();
/// executor.allocate(&buffers)?;
/// write_as(&mut executor, input.id, &[3.0f32, 4.0, 5.0, 6.0])?;
/// // Two weights and a bias, filled up to four words.
/// write_as(&mut executor, weights.id, &[1.0f32, 0.0, 0.0, 0.0, 0.0, 1.0, 0.5, 0.0])?;
/// let program = executor.prepare(&recording)?;
/// executor.submit(&[(program, 1)], None)?;
/// assert_eq!(read_as::<f32>(&mut executor, activations.outputs().id)?, [3.0, 4.5, 6.5]);
/// # Ok::<(), softq::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pass {
    /// Agents.
    pub agents: u32,
    /// Rows per slot.
    pub batch: u32,
    /// Networks per agent in the weights.
    pub nets: u32,
    /// Net of each slot.
    pub slot_net: Vec<u32>,
    /// Input of each slot.
    pub slot_input: Vec<u32>,
    /// Inputs per agent.
    pub inputs: u32,
    /// Slots, the first ones, through which a gradient flows.
    pub gradients: u32,
}

impl Pass {
    /// Evaluations per agent.
    pub fn slots(&self) -> u32 {
        self.slot_net.len() as u32
    }

    /// The table of nets, packed for the kernels.
    pub(super) fn slot_net(&self) -> u32 {
        pack_slots(&self.slot_net)
    }

    pub(super) fn rows_of(&self, slots: u32) -> u64 {
        u64::from(self.agents) * u64::from(slots) * u64::from(self.batch)
    }

    /// Slots and slot table of tensor `tensor` for the first `slots` evaluations: the input has its own, every other tensor
    /// one entry per slot.
    pub(super) fn source(&self, tensor: usize, slots: u32) -> (u32, u32) {
        if tensor == 0 {
            return (self.inputs, pack_slots(&self.slot_input[..slots as usize]));
        }
        let own: Vec<u32> = (0..slots).collect();
        (self.slots(), pack_slots(&own))
    }
}
