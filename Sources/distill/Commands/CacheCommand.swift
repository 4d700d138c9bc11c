import ArgumentParser
import Distillation
import Foundation

struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Look at the cache of tokenized data and teachers' outputs: list, verify, prune.",
        discussion: """
            The cache can be deleted at any time; these commands never remove what a living process uses.

            Examples:
              distill cache list
              distill cache verify --remove
              distill cache prune --older-than 30 --max-size 5GB
              distill cache prune --all --dry-run
            """,
        subcommands: [List.self, Verify.self, Prune.self], defaultSubcommand: List.self)

    /// The cache to look at.
    struct Location: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "The cache. (default: $DISTILL_CACHE, else ~/.cache/distill)", valueName: "dir"),
            completion: .directory)
        var cacheDir: String?

        var contents: CacheContents {
            var options = CacheOptions()
            options.directory = cacheDir.map { URL(filePath: $0, directoryHint: .isDirectory) }
            return CacheContents(options.root)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the entries with their sizes, last uses and sources.")

        @OptionGroup var location: Location
        @Flag(help: "Print the result as JSON.") var json = false

        func run() throws {
            let contents = location.contents
            let entries = contents.entries()
            try Terminal.output(
                json ? JSONText.encode(entries) : CacheText.list(entries, root: contents.root))
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read everything through and compare it with its checksums and its name.",
            discussion: "Exit code 1 where something is damaged and stays.")

        @OptionGroup var location: Location
        @Flag(help: "Remove what is damaged; it is made again when it is needed.") var remove = false
        @Flag(help: "Print the result as JSON.") var json = false

        func run() throws {
            let problems = location.contents.verify(removing: remove)
            try Terminal.output(json ? JSONText.encode(problems) : CacheText.problems(problems))
            if problems.contains(where: { !$0.isRemoved }) { throw ExitCode(1) }
        }
    }

    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove what is old or too much, and what killed processes left.",
            discussion: "Without an option only what killed processes left is removed.")

        @OptionGroup var location: Location

        @Option(
            help: ArgumentHelp(
                "Remove what was last used longer ago: days, or a number with h, d or w, such as 12h.",
                valueName: "age"))
        var olderThan: String?

        @Option(
            help: ArgumentHelp(
                "Remove what was used longest ago until no more is left than this: bytes, or a number with kB, MB, GB or TB.",
                valueName: "size"))
        var maxSize: String?

        @Flag(help: "Remove everything.") var all = false
        @Flag(help: "Only say what would be removed.") var dryRun = false
        @Flag(help: "Print the result as JSON.") var json = false

        func rule() throws -> CacheContents.PruneRule {
            var rule = CacheContents.PruneRule(all: all)
            if let olderThan {
                guard let days = CacheText.amount(olderThan, units: ["h": 1 / 24.0, "d": 1, "w": 7, "": 1])
                else {
                    throw UsageError(
                        "--older-than takes days, or a number with h, d or w; got '\(olderThan)'")
                }
                rule.olderThan = days * 86_400
            }
            if let maxSize {
                let units = ["": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12]
                guard let bytes = CacheText.amount(maxSize, units: units), bytes < 1e18 else {
                    throw UsageError(
                        "--max-size takes bytes, or a number with kB, MB, GB or TB; got '\(maxSize)'")
                }
                rule.maximumBytes = Int(bytes)
            }
            return rule
        }

        func run() throws {
            let report = location.contents.prune(try rule(), isTrial: dryRun)
            try Terminal.output(json ? JSONText.encode(report) : CacheText.pruned(report, isTrial: dryRun))
        }
    }
}
