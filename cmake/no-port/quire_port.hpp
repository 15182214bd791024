#pragma once
// Found only when there is no port on the include path.
#error "Quire needs a port: link quire::i386, quire::hosted or quire::c, or put your own quire_port.hpp on the include path (share/quire/porting.md)"
