# For bench/heap/programs: strings, hashes of arrays, regular expressions, closures.
use strict;
use warnings;

my $state = 1;
sub drawn { $state = ($state * 1103515245 + 12345) % 2147483648; return int($state / 65536) % $_[0]; }

my (%index, @log);
for my $i (1 .. 160_000) {
    my $key = join('', map { chr(97 + drawn(26)) } 1 .. 1 + drawn(4));
    push @{ $index{$key} }, { id => $i, text => 'x' x drawn(120), next => [ map { $_ * $i } 1 .. drawn(5) ] };
    delete $index{$key} if @{ $index{$key} } > 30;
    push @log, "$key=$i;" . ('y' x drawn(40));
    shift @log if @log > 20_000;
}
my $text = join(' ', @log);
my %seen;
$seen{$1}++ while $text =~ /(\w+)=/g;
my @sorted = sort { $seen{$b} <=> $seen{$a} || $a cmp $b } keys %seen;
my $sum = 0;
for my $key (keys %index) { $sum += length($_->{text}) + @{ $_->{next} } for @{ $index{$key} }; }
$text =~ s/(\w)=(\d+)/$2:$1/g;
print scalar(@sorted), ' ', $sum, ' ', length($text), "\n";
