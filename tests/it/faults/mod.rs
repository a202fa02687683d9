//! What can break does: processes are killed, disks are full, databases go away, clocks are set back.
//! Every test runs the real program, and asks afterwards whether anything that was acknowledged is missing.

mod campaign;
mod clock;
mod disk;
mod ledger;
mod order;
mod postgres;
