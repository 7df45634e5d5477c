//! The command line as a whole: it is consistent, and every command shows how it is used.

use clap::CommandFactory;

use super::*;

#[test]
fn definitions_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples_and_says_what_it_is_for() {
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(examples.contains(&format!("berth {name}")), "berth {name} --help has no example");
        let long = examples.lines().find(|line| line.chars().count() >= 80);
        assert_eq!(long, None, "{name}: an example does not fit a terminal");
        assert!(command.get_about().is_some(), "{name} says nothing about itself");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name} {} has no help", argument.get_id());
        }
    }
}

#[test]
fn what_follows_the_container_belongs_to_the_command() {
    let Command::Exec(args) = Cli::parse_from(["berth", "exec", "-it", "web", "ls", "-l", "--json"]).command
    else {
        panic!("exec")
    };
    assert_eq!(args.words(), ["ls", "-l", "--json"]);
    let Command::Run(args) =
        Cli::parse_from(["berth", "run", "--rm", "alpine", "sh", "-c", "exit 3"]).command
    else {
        panic!("run")
    };
    assert_eq!(args.words(), ["sh", "-c", "exit 3"]);
}
