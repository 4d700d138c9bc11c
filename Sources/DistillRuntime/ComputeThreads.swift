import CKernels

/// The threads that the kernels compute on, which are the process's.
package enum ComputeThreads {
    /// Starts the threads, where they do not run yet: they inherit the calling thread's priority.
    package static func start() { ck_start_threads() }
}
