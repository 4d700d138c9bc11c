/// A wish that a run ends before its last step.
public enum StopRequest: Sendable, Equatable {
    /// The model is evaluated as it is, and the best checkpoint is saved as the run's result, as at Ctrl-C.
    case finish
    /// A checkpoint is saved and nothing else is done, within seconds, as at SIGTERM: the run is going to be resumed.
    case checkpoint
}
