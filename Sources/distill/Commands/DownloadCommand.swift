import ArgumentParser
import Foundation
import Hub
import Synchronization

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
        let display = DownloadDisplay(isDrawn: Terminal.isInteractive && !quiet)
        let directory = try HubClient(configuration).waitForSnapshot(of: repository, files: files) {
            display.show($0)
        }
        display.clear()
        try Terminal.output(directory.path)
    }
}

/// The bar of a download, on standard error.
private final class DownloadDisplay: Sendable {
    private let isDrawn: Bool
    private let bar = Mutex(ProgressBar("Downloading"))

    init(isDrawn: Bool) { self.isDrawn = isDrawn }

    func show(_ event: HubEvent) {
        switch event {
        case .warning(let text):
            clear()
            Terminal.error("Warning: \(text)")
        case .progress(let progress):
            guard isDrawn else { return }
            bar.withLock { bar in
                guard bar.shouldDraw(isLast: progress.filesCompleted == progress.filesTotal) else { return }
                let size = "\(Format.bytes(progress.completed)) of \(Format.bytes(progress.total))"
                let files = "\(progress.filesCompleted)/\(progress.filesTotal) files"
                let share =
                    progress.total > 0
                    ? min(1, max(0, Double(progress.completed) / Double(progress.total))) : 1
                let filled = Int(share * 20)
                let cells = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
                let line = "\(bar.title)  \(cells)  \(size)  \(files)"
                Terminal.errorRaw("\r\u{1B}[K" + line.prefix(max(10, Terminal.width - 1)))
            }
        }
    }

    func clear() { if isDrawn { Terminal.errorRaw("\r\u{1B}[K") } }
}
