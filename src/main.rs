//! The one binary.

fn main() {
    let args: Vec<String> = std::env::args().collect();
    #[derive(clap::Parser)]
    struct C { #[command(flatten)] up: datashare::cli::up::UpArgs }
    use clap::Parser;
    let c = C::parse_from(args);
    if let Err(e) = datashare::cli::up::run(&c.up, &mut std::io::stdout()) { eprintln!("{e}"); std::process::exit(1) }
}
