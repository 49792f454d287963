//! The program `hearth`; its commands are in `cli`.

fn main() -> std::process::ExitCode {
    hearth::cli::main()
}
