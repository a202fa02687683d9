//! `dauso`: parses the arguments, runs the command, turns an error into an exit code.

fn main() -> std::process::ExitCode {
    dauso::cli::run()
}
