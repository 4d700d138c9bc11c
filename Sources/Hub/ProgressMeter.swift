import Synchronization

/// Adds up what several downloads report.
final class ProgressMeter: Sendable {
    private struct State {
        var progress: HubProgress
        var files: [String: Int] = [:]
    }

    private let state: Mutex<State>
    private let onEvent: @Sendable (HubEvent) -> Void

    init(total: Int, files: Int, onEvent: @escaping @Sendable (HubEvent) -> Void) {
        state = Mutex(
            State(
                progress: HubProgress(
                    file: "", completed: 0, total: total, fileCompleted: 0, fileTotal: 0, isFileDone: false,
                    filesCompleted: 0, filesTotal: files)))
        self.onEvent = onEvent
    }

    func move(_ bytes: Int, _ file: FileMetadata) { change(file, bytes, isDone: false) }
    func finish(_ file: FileMetadata) { change(file, 0, isDone: true) }

    private func change(_ file: FileMetadata, _ bytes: Int, isDone: Bool) {
        let progress = state.withLock { state in
            state.files[file.name, default: 0] += bytes
            state.progress.file = file.name
            state.progress.fileCompleted = state.files[file.name] ?? 0
            state.progress.fileTotal = file.size ?? 0
            state.progress.isFileDone = isDone
            state.progress.completed += bytes
            if isDone { state.progress.filesCompleted += 1 }
            return state.progress
        }
        onEvent(.progress(progress))
    }
}
