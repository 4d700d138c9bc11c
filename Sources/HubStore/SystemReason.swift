import Foundation

/// Returns the system's description of an error number.
package func systemReason(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }
