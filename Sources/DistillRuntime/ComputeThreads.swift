import CKernels

/// The threads that the kernels compute on, which are the process's.
package enum ComputeThreads {
    /// The numbers of threads that can be asked for, here and of other pools.
    package static let allowed = 1...Int(CK_MOST_THREADS)

    /// Starts the threads, where they do not run yet: they inherit the calling thread's priority.
    package static func start() { ck_start_threads() }
}
