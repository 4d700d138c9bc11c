import ArgumentParser
import Foundation
import HubStore

struct DownloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "download",
        abstract: "Fetch a model or data from the Hugging Face Hub into the cache that Python shares.",
        discussion: """
            Prints the directory. Of a model only what is needed is taken: config.json, the tokenizer's files and the \
            safetensors. HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_ENDPOINT and HF_HUB_OFFLINE count as they do in Python.

            Examples:
              distill download sentence-transformers/all-MiniLM-L6-v2
              distill download org/name@v2 --include '*.json'
              distill download --dataset org/name --include 'data/train-*'
            """)

    @Argument(help: ArgumentHelp("The repository: org/name or org/name@revision.", valueName: "org/name"))
    var repository: String

    @Option(help: "A branch, a tag or a commit. (default: main)")
    var revision: String?

    @Flag(help: "The repository holds data.")
    var dataset = false

    @Option(
        help: ArgumentHelp(
            "The cache. (default: $HF_HUB_CACHE, else ~/.cache/huggingface/hub)", valueName: "dir"),
        completion: .directory)
    var cacheDir: String?

    @Option(help: "Files to take, by name or pattern; may be given again.")
    var include: [String] = []

    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false

    func request() throws -> (HubRepository, FileSelection) {
        let parts = repository.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        if parts.count == 2, revision != nil {
            throw ValidationError("give the revision once: after '@' or with --revision")
        }
        let given = parts.count == 2 ? parts[1] : revision ?? "main"
        let files: FileSelection =
            dataset ? .data(include) : include.isEmpty ? .model : .matching(include)
        return (
            try HubRepository(parts.first ?? "", kind: dataset ? .dataset : .model, revision: given), files
        )
    }

    func validate() throws {
        do { _ = try request() } catch let error as HubError { throw ValidationError(error.description) }
    }

    func run() throws {
        let (repository, files) = try request()
        var configuration = HubConfiguration()
        if let cacheDir { configuration.cache = URL(filePath: cacheDir, directoryHint: .isDirectory) }
        let directory = try HubSource.snapshot(
            of: repository, files: files, configuration: configuration, quiet: quiet)
        try Terminal.output(directory.path)
    }
}
