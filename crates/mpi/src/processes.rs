//! The processes of an MPI program.

use std::cell::RefCell;

use mpi::Threading;
use mpi::collective::SystemOperation;
use mpi::environment::{Universe, initialize_with_threading, processor_name};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Equivalence, Root};
use rekindle_train::group::Group;

/// Bytes that are sent at once: MPI counts in 32 bits.
const PIECE: usize = 1 << 28;

/// All processes that were started together. MPI ends when this is dropped, on all of them.
pub struct Processes {
    // In the order in which they must go.
    world: SimpleCommunicator,
    /// Sums are made from one buffer into another.
    buffer: RefCell<Vec<f32>>,
    _universe: Universe,
}

impl Processes {
    /// Starts MPI. Call it once, on the thread that trains; none if MPI has been started before.
    pub fn start() -> Option<Self> {
        let (universe, _) = initialize_with_threading(Threading::Funneled)?;
        let world = universe.world();
        Some(Self { world, buffer: RefCell::default(), _universe: universe })
    }

    /// Ends all processes at once, with an exit status.
    pub fn abort(&self, status: i32) -> ! {
        self.world.abort(status)
    }

    fn sum_into<T: Equivalence + Copy>(&self, values: &mut [T], buffer: &mut Vec<T>) {
        buffer.clear();
        buffer.extend_from_slice(values);
        self.world.all_reduce_into(&buffer[..], values, SystemOperation::sum());
    }
}

impl Group for Processes {
    fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    fn size(&self) -> usize {
        self.world.size() as usize
    }

    fn host(&self) -> String {
        processor_name().unwrap_or_else(|_| "a host without a name".to_owned())
    }

    fn sum(&self, values: &mut [f32]) {
        let mut buffer = self.buffer.borrow_mut();
        values.chunks_mut(PIECE).for_each(|values| self.sum_into(values, &mut buffer));
    }

    fn sum_exact(&self, values: &mut [f64]) {
        self.sum_into(values, &mut Vec::new());
    }

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lengths = vec![0_u64; self.size()];
        self.world.all_gather_into(&(bytes.len() as u64), &mut lengths[..]);
        let of = |(rank, length): (usize, u64)| {
            let mut post = if rank == self.rank() { bytes.to_vec() } else { vec![0; length as usize] };
            let root = self.world.process_at_rank(rank as i32);
            post.chunks_mut(PIECE).for_each(|piece| root.broadcast_into(piece));
            post
        };
        lengths.into_iter().enumerate().map(of).collect()
    }
}
