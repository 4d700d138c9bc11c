import SwiftProtobuf
import Testing

@testable import Exporters
