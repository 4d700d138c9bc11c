import Files
import Foundation

extension OutputDirectory {
    /// Tells how to go on where an output is there and has checkpoints beside it.
    static func refusal(_ error: FileError, at url: URL) -> any Error {
        guard case .exists(let path) = error, let last = CheckpointFolder(for: url).checkpoints.last else {
            return error
        }
        return DistillationError(
            "\(path): exists and is not empty, and there is a checkpoint beside it (\(last.url.path)); pass --resume to go on from "
                + "it, --overwrite to start anew, or name another directory")
    }

    /// Looks at what is in the directory, for a run that goes on: what an earlier part of the same run saved may be replaced.
    ///
    /// - Returns: The report of the same run where it is finished already, so that nothing is left to do.
    /// - Throws: `FileError.exists` where something else is there that may not be replaced; ``ResumeError`` for what another run
    ///   saved.
    func claim(
        for identity: RunIdentity, _ options: CheckpointOptions, _ log: RunLog
    ) throws -> RunReport? {
        guard options.resume != nil else { return nil }
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        guard !entries.isEmpty else { return nil }
        let report = ["distillation.json", "training.json"].lazy.compactMap { name in
            (try? String(contentsOf: self.url.appending(path: name), encoding: .utf8)).flatMap {
                try? JSONText.decode(RunReport.self, from: $0)
            }
        }.first
        guard let report, let earlier = report.identity else {
            if overwrite { return nil }
            throw FileError.exists(url.path)
        }
        let differences = identity.differences(from: earlier)
        guard differences.isEmpty else {
            if overwrite { return nil }
            throw ResumeError(url, differences)
        }
        if !overwrite { claimExisting() }
        let folder = CheckpointFolder(for: url)
        guard !report.interrupted, folder.checkpoints.isEmpty, entries.contains("report.html") else {
            return nil
        }
        // It may have been killed while it removed its checkpoints.
        log.tell(folder.removeLeftovers())
        log.send(.note("\(url.path): this run is finished already; nothing is left to do."))
        return report
    }
}
